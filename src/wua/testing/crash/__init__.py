"""Crash testing: processes killed at chosen points and at random, power lost, and the books compared.

``points`` kills a process at its n-th step, ``victims`` finds the processes of a job, ``books`` says what has
to add up. ``rounds`` is what the kinds of rounds share: ``simulated`` (random kills on a scripted machine),
``apt`` (the same with real apt), ``sweep`` (each step of a job in turn), ``power`` (power lost). ``disk``
records what SQLite writes and loses what was not synced; ``synced`` tries every moment of a store's life with
it. ``soak`` runs thousands of rounds and keeps count. Production code knows nothing of this: a hook is put
into the processes from outside.
"""
