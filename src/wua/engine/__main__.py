"""``python -m wua.engine STATE READY_FD``: become the job host of a store, detached from the caller.

The fork comes before anything is imported, so that the caller waits for it only a moment.
"""

import os
import sys

if __name__ == "__main__":
    if os.fork() > 0:
        os._exit(0)
    from wua.engine.host import main

    code = main(sys.argv[1], int(sys.argv[2]))
    os._exit(code)  # threads of running jobs are left to their supervisors
