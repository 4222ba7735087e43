"""`python -m gelombang_loadtests.trying TRIAL.json`, started by `gelombang try`: one person walks, told in JSON lines.

A process of its own, because gevent patches the sockets of the whole process, and has to before anything else is imported.
"""

import sys

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()
    from gelombang_loadtests.trial_process import main

    sys.exit(main(sys.argv[1:]))
