"""Crash testing: processes killed at chosen points and at random, power lost, and the books compared.

``points`` kills a process at its n-th step, ``victims`` finds the processes of a job, ``simulated`` runs
rounds on a scripted machine, ``power`` loses what was not synced, ``soak`` runs thousands of rounds and keeps
count. Production code knows nothing of this: a hook is put into the processes from outside.
"""
