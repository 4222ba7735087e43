"""Where people connect from when the site is on this machine.

A connection that its client closed keeps its port for a minute, for this address and that server: one in five of the surge at 22 times its
speed needed 0.91 of the 28,232 ports that a kernel gives by itself. All of 127.0.0.0/8 is this machine, and every address of it has ports
of its own, so a crowd takes more of them. Leaves out other kernels than Linux, where only 127.0.0.1 is there by itself.
"""

import sys

PEOPLE_PER_ADDRESS = 100_000
"""A third of what took 0.91 of the ports of one."""
ADDRESSES_LIMIT = 64


def loopback_sources(people: int) -> list[str]:
    """127.0.0.1 and those after it, as many as a crowd wants; none where one does, or where the kernel does not have them."""
    wanted = min(-(-people // PEOPLE_PER_ADDRESS), ADDRESSES_LIMIT)
    return [f"127.0.0.{k}" for k in range(1, wanted + 1)] if wanted > 1 and sys.platform == "linux" else []
