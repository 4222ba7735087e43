"""The auditor seen from the supervisor: started once the site is prepared, started again when it died, ended with the site.

Whoever kills the auditor costs the site nothing, because its trail says how far it came. One that dies again and again can't keep the disk
within its bound, and then the site ends.
"""

import subprocess
import sys
from pathlib import Path

from gelombang.errors import HostError

DEATHS_LIMIT = 10
"""Of one site's auditor."""
STOP_LIMIT_SECONDS = 10.0
"""Wall time for the batch in progress; then it is killed, which does no harm."""


class AuditorChild:
    """Its process."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self.deaths = 0
        self.process = self._start()

    def revive(self) -> None:
        """Start it again when it has died. Raises HostError when that happened too often."""
        code = self.process.poll()
        if code is None:
            return
        self.deaths += 1
        if self.deaths > DEATHS_LIMIT:
            raise HostError(f"the auditor of the photos ended {self.deaths} times, last with {code}; its last words are above")
        self._close()
        self.process = self._start()

    def stop(self) -> None:
        """End it, the batch in progress first."""
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._close()

    def _start(self) -> "subprocess.Popen[bytes]":
        # Its standard input ends with this process, however that ends, and with it the auditor.
        command = [sys.executable, "-m", "gelombang_server.auditing.process", "--config", str(self._config)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def _close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
