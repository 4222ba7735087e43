"""The operator's files as requests carry them: memory-mapped once, at most so many at a time, and never copied."""

import mimetypes
import mmap
from collections import OrderedDict
from pathlib import Path

from gelombang.errors import HostError
from gelombang.step_files import files_of

OPEN_FILES_LIMIT = 256
"""Files that are mapped at the same time; the one unused for longest makes room."""
UNKNOWN_TYPE = "application/octet-stream"


class OwnFiles:
    """All files of one generator process. Raises HostError for a file that was there when the scenario was read and is gone."""

    def __init__(self) -> None:
        self._folders: dict[str, list[Path]] = {}
        self._mapped: OrderedDict[Path, memoryview] = OrderedDict()

    def in_folder(self, folder: str, number: int) -> Path:
        """One file of a folder, chosen by a drawn number."""
        files = self._folders.get(folder)
        if files is None:
            try:
                files = self._folders[folder] = files_of(Path(folder))
            except OSError as error:
                raise _gone(folder, error) from error
        if not files:
            raise HostError(f"{folder} has no file any more; want those that were there when the run began")
        return files[number % len(files)]

    def content(self, path: Path) -> memoryview:
        """All bytes of a file."""
        known = self._mapped.get(path)
        if known is not None:
            self._mapped.move_to_end(path)
            return known
        try:
            with path.open("rb") as file:
                # A map of nothing is an error of the operating system.
                view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) if path.stat().st_size else memoryview(b"")
        except OSError as error:
            raise _gone(str(path), error) from error
        if len(self._mapped) >= OPEN_FILES_LIMIT:
            self._mapped.popitem(last=False)  # unmapped when the last request that sends it has ended
        self._mapped[path] = view
        return view


def type_of(name: str) -> str:
    """What a file's name suggests."""
    return mimetypes.guess_type(name)[0] or UNKNOWN_TYPE


def _gone(path: str, error: OSError) -> HostError:
    return HostError(f"{path} can't be read any more ({error.strerror}); want it to stay until the run has ended")
