"""`python -m gelombang_loadtests.cleaning FOLDER PER_SECOND`, started by `gelombang cleanup`: teardown steps for who was created.

A process of its own, because gevent patches the sockets of the whole process, and has to before anything else is imported.
"""

import sys

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()
    from gelombang_loadtests.cleaning_process import main

    sys.exit(main(sys.argv[1:]))
