"""A network of this thread's own, with nothing in it but loopback: fixed ports are free there, and what is started from here is in it.

So is a thread that is started from here, for as long as it lives: a library that keeps threads (obstore does) would look for everything in
a network that is gone, in every test that comes after. Such a library is used in a process of its own.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET of sched.h; Python has os.unshare from 3.12 on."""
_THREADS = Path("/proc/self/task")


@contextmanager
def own_network() -> Iterator[None]:
    """Skips the test where that is not allowed; where CI=true it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    threads = set(_THREADS.iterdir())
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(_NEW_NETWORK) != 0:
            reason = f"a network of one's own can't be made here ({os.strerror(ctypes.get_errno())}); want root"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True, capture_output=True, timeout=20)
            yield
        finally:
            assert libc.setns(before, _NEW_NETWORK) == 0, os.strerror(ctypes.get_errno())
        left = {each.name for each in set(_THREADS.iterdir()) - threads}
        assert not left, f"threads {sorted(left)} would stay in this network; want a process of their own for what starts them"
    finally:
        os.close(before)
