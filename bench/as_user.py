"""``python -m bench.as_user VERB …``: the command line as an ordinary user's, with lists of his own.

Private lists are what lets a benchmark change an index. Run by root, the process only says that it is
somebody else: what it reads and writes is the same.
"""

import os
import sys

if os.geteuid() == 0:
    os.geteuid = lambda: 65534

from wua.cli.main import run

sys.exit(run(sys.argv[1:]))
