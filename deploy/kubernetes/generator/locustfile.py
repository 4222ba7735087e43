"""What the operator's pods run: the surge that comes with the image."""

from gelombang_loadtests.locust_bridge import PilotUser, install

__all__ = ["PilotUser"]

install()
