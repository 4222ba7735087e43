"""The surge on Locust. Started by the `gelombang` command with GELOMBANG_PLAN, or by hand:

locust -f surge.py --headless -t 20s --host http://127.0.0.1:8080 --harness-url http://127.0.0.1:8081 --harness-token=TOKEN
"""

from gelombang_loadtests.locust_bridge import PilotUser, install

__all__ = ["PilotUser"]

install()
