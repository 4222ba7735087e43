"""The operator's own files: found beside the scenario, refused when they can't be sent."""

from pathlib import Path

import pytest

from gelombang.step_files import place_step_files
from gelombang_loadtests.own_files import OwnFiles, type_of


def step(**body: object) -> list[dict[str, object]]:
    return [{"step": "send", "body": body}]


def test_a_file_and_a_folder_get_their_place_from_the_first_folder_that_has_them(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.pdf").write_bytes(b"x")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"x")
    steps = [*step(file="a.pdf"), *step(multipart={"photo": {"folder": "photos/"}, "name": "text"})]
    assert list(place_step_files({"journey": steps}, [tmp_path, tmp_path / "below"])) == []
    assert steps[0]["body"] == {"file": str(tmp_path / "below" / "a.pdf")}
    assert steps[1]["body"] == {"multipart": {"photo": {"folder": str(tmp_path / "photos")}, "name": "text"}}


@pytest.mark.parametrize(
    ("body", "where", "found"),
    [
        ({"file": "gone.pdf"}, "journey[0].body.file", "'gone.pdf', which is not there"),
        ({"file": "empty"}, "journey[0].body.file", "'empty', which is not there"),
        ({"multipart": {"p": {"folder": "empty"}}}, "journey[0].body.multipart.p.folder", "'empty' with 0 files"),
    ],
)
def test_what_can_t_be_sent_is_a_fault(tmp_path: Path, body: dict[str, object], where: str, found: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden").write_bytes(b"x")
    assert [(fault.where, fault.found) for fault in place_step_files({"journey": step(**body)}, [tmp_path])] == [(where, found)]


@pytest.mark.parametrize("steps", [None, 3, ["text"], [{"body": 3}], [{"body": {"multipart": [1], "file": 3}}]])
def test_nonsense_breaks_nothing(steps: object) -> None:
    assert list(place_step_files({"journey": steps}, [])) == []


def test_files_are_chosen_by_number_and_read_whole(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "c"):
        (tmp_path / name).write_bytes(name.encode())
    files = OwnFiles()
    chosen = [files.in_folder(str(tmp_path), number).name for number in range(4)]
    assert chosen == ["a.jpg", "b.png", "c", "a.jpg"]
    assert bytes(files.content(tmp_path / "b.png")) == b"b.png"
    assert [type_of(name) for name in chosen[:3]] == ["image/jpeg", "image/png", "application/octet-stream"]


def test_an_empty_file_can_be_sent(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    assert bytes(OwnFiles().content(tmp_path / "empty.txt")) == b""
