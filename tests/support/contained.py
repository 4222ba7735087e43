"""A process held as a container holds it: root file system read-only, a user of its own without rights, names of its own, one folder
that it may write to. For what must be true of an image where no image can be built."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCOUNT = 10_001
"""The user of deploy/Containerfile."""
_HOLD = """
set -eu
hosts=$1 home=$2
shift 2
mount --make-rprivate /
mount --bind "$hosts" /etc/hosts
if [ -n "$CLOSED" ]; then
    mount --bind "$OPENED" /mnt
    mount -t tmpfs -o mode=755 none "$CLOSED"
    mkdir -p "$OPENED"
    mount --bind /mnt "$OPENED"
fi
mount --bind "$home" "$home"
mount -o remount,bind,ro /
cd "$home"
exec setpriv --reuid "$ACCOUNT" --regid "$ACCOUNT" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"
"""


@dataclass(frozen=True)
class Contained:
    """Where processes are held: `names` are the hosts that they know."""

    folder: Path
    names: Mapping[str, str]

    def start(self, service: str, command: Sequence[str], **variables: str) -> "subprocess.Popen[bytes]":
        """Its writable folder is `folder/service`; what it prints is in `folder/service.out` and `folder/service.err`."""
        home = self.folder / service
        home.mkdir()
        os.chown(home, ACCOUNT, ACCOUNT)
        hosts = self.folder / f"{service}.hosts"
        hosts.write_text("".join(f"{address} {name}\n" for name, address in {"localhost": "127.0.0.1", **self.names}.items()))
        held = {"ACCOUNT": str(ACCOUNT), "OPENED": sys.base_prefix, "CLOSED": _closed_above(Path(sys.base_prefix))}
        held |= {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}
        words: list[Any] = ["unshare", "--mount", "sh", "-c", _HOLD, "hold", hosts, home, *command]
        with self.out(service).open("wb") as out, self.err(service).open("wb") as err:
            return subprocess.Popen(
                words, env={**held, **variables}, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )

    def out(self, service: str) -> Path:
        return self.folder / f"{service}.out"

    def err(self, service: str) -> Path:
        return self.folder / f"{service}.err"


def _closed_above(path: Path) -> str:
    """The outermost folder on the way that only its owner may pass; an interpreter may lie in one's own home. Empty: there is none."""
    return next((str(folder) for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001), "")
