"""A small site whose photos an auditor keeps within a bound: database, files and what the people were told, in a run's folder."""

import hashlib
import shutil
import sqlite3
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.audit import DATABASE, PHOTOS, Audit, audit
from gelombang.audit_trail import AUDITED_ROW, TRAIL_FILE, scanned
from gelombang.ledger import ACKNOWLEDGED_ROW
from gelombang_server.auditing.auditor import Auditor
from gelombang_server.auditing.trail import Trail
from gelombang_server.schema import create_tables

STEP = 9


def read_trail(path: Path) -> NDArray[np.void]:
    """All rows of a trail that hold."""
    return np.concatenate([np.empty(0, AUDITED_ROW), *scanned(path)])


class KeptPhotos:
    """Person i has photo i; `spoil` changes a byte of a file behind the site's back."""

    def __init__(self, folder: Path, people: int, size_bytes: int = 5_000) -> None:
        self.folder = folder
        self.paths: list[Path] = []
        self.acknowledged = np.zeros(0, ACKNOWLEDGED_ROW)
        if not folder.exists():
            (folder / PHOTOS / "00").mkdir(parents=True)
            create_tables(folder / DATABASE)
        self.store(people, size_bytes)

    def copied(self, folder: Path) -> "KeptPhotos":
        """The same in another folder."""
        shutil.copytree(self.folder, folder)
        copy = KeptPhotos(folder, 0)
        copy.paths = [folder / path.relative_to(self.folder) for path in self.paths]
        copy.acknowledged = self.acknowledged.copy()
        return copy

    def store(self, people: int, size_bytes: int = 5_000) -> None:
        """So many more, acknowledged."""
        told = np.zeros(people, ACKNOWLEDGED_ROW)
        rows = []
        for i in range(people):
            person = len(self.paths)
            data = f"person {person} ".encode().ljust(size_bytes, b"x")
            path, digest = f"00/{person:032x}.jpg", hashlib.sha256(data)
            (self.folder / PHOTOS / path).write_bytes(data)
            self.paths.append(self.folder / PHOTOS / path)
            rows.append((f"{person:032x}", person, STEP, 1, person + 1, "ktp", digest.hexdigest(), size_bytes, path, 0))
            told[i]["person"], told[i]["step"], told[i]["number"], told[i]["bytes"] = person, STEP, 1, size_bytes
            told[i]["sha256"] = np.frombuffer(digest.digest(), np.uint8)
        with sqlite3.connect(self.folder / DATABASE) as connection:
            connection.executemany(f"INSERT INTO photos VALUES ({', '.join('?' * 10)})", rows)
        connection.close()
        self.acknowledged = np.concatenate((self.acknowledged, told))

    def spoil(self, person: int) -> None:
        """One byte is another."""
        data = self.paths[person].read_bytes()
        self.paths[person].write_bytes(data[:-1] + b"y")

    def check(self, people: int) -> None:
        """The first so many have a verdict of the check of photos."""
        with sqlite3.connect(self.folder / DATABASE) as connection:
            connection.executemany("INSERT INTO photo_checks VALUES (?, 'validated')", [(f"{person:032x}",) for person in range(people)])
        connection.close()

    @property
    def there(self) -> list[int]:
        """Whose file is there."""
        return [person for person, path in enumerate(self.paths) if path.exists()]

    def auditor(self, keep_bytes: int = 1, awaits_checks: bool = False) -> Auditor:
        """One that begins, or goes on. With a bound of one byte every photo is too much."""
        trail = Trail(self.folder / TRAIL_FILE)
        return Auditor(self.folder / DATABASE, self.folder / PHOTOS, trail, keep_bytes, awaits_checks, lambda: 7)

    def all_rounds(self, keep_bytes: int = 1, awaits_checks: bool = False) -> Auditor:
        """An auditor that did all that was due, and has ended."""
        auditor = self.auditor(keep_bytes, awaits_checks)
        try:
            while auditor.round():
                pass
        finally:
            auditor.close()
        return auditor

    def audited(self) -> Audit:
        """What `gelombang verify` asks."""
        return audit(self.folder, self.acknowledged)
