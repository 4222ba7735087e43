"""`gelombang scenario new`, `from-har` and `from-openapi`: the beginning of one's own, from a template, recordings or a document."""

import argparse
import re
from pathlib import Path

from gelombang.errors import ExitCode, FileError, InputError
from gelombang.har.guessing import Guess, guess, reasons
from gelombang.har.recording import Recording, read_recording
from gelombang.har.sifting import Sifted, sift
from gelombang.har.toml_text import toml_value
from gelombang.har.writing import PHOTO_FILE, Written, scenario_name, write_scenario
from gelombang.loading import load_scenario
from gelombang.openapi.document import read_document
from gelombang.openapi.visiting import describe
from gelombang.resources import scenarios_folder
from gelombang_cli.arguments import Commands
from gelombang_loadtests.drawing import PIXELS_LIMIT, PhotoKind, draw_photo

TEMPLATE = "own-service"
TITLE_CHARACTERS_LIMIT = 80
PHOTO_QUALITY = 85
PHOTO_BYTES_PER_PIXEL = 0.24
PHOTO_BYTES_MIN = 20_000

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def add_parts(parts: Commands) -> None:
    new = parts.add_parser("new", help="write a commented start for your own service")
    new.add_argument("name", help="of the scenario: lower-case letters, digits and hyphens; the file is NAME.toml")
    new.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it (default: NAME.toml here)")
    new.set_defaults(command=_new)
    har = parts.add_parser("from-har", help="write a scenario from one or two recordings of a browser")
    har.add_argument("recordings", nargs="+", type=Path, metavar="HAR", help="one, or two of the same journey as two different people")
    har.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the scenario to write, such as mine.toml")
    har.set_defaults(command=_from_har)
    openapi = parts.add_parser("from-openapi", help="write a scenario with a step for each operation of an OpenAPI 3 document")
    openapi.add_argument("document", type=Path, metavar="DOCUMENT", help="JSON or YAML, in one file")
    openapi.add_argument("--path", default="/", metavar="PREFIX", help="only operations whose path begins so, such as /api/v1/orders")
    openapi.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the scenario to write, such as mine.toml")
    openapi.set_defaults(command=_from_openapi)


def _new(parsed: argparse.Namespace) -> ExitCode:
    if _NAME.fullmatch(parsed.name) is None:
        raise InputError(f"{parsed.name!r} is no name; want lower-case letters, digits and hyphens that begin with a letter, 31 at most")
    output = parsed.output or Path(f"{parsed.name}.toml")
    text = re.sub(r"^name = .*$", f"name = {toml_value(parsed.name)}", _template(), count=1, flags=re.MULTILINE)
    _write(output, text.replace(f"{TEMPLATE}.toml", output.name))
    load_scenario(output)
    print(f"{output}: a start without faults; change the journey at its end first")
    print(f"next: gelombang try {output} --target http://127.0.0.1:8000")
    return ExitCode.AS_EXPECTED


def _from_har(parsed: argparse.Namespace) -> ExitCode:
    if len(parsed.recordings) > 2:
        raise InputError(f"given {len(parsed.recordings)} recordings; want one, or two of the same journey")
    recordings = [read_recording(path) for path in parsed.recordings]
    sifted = [sift(recording) for recording in recordings]
    if not sifted[0].visits:
        raise InputError(f"{parsed.recordings[0]} holds no request to a page's host ({reasons(sifted[0].dropped)}); want a journey")
    guessed = guess(sifted[0], sifted[1] if len(sifted) == 2 else None)
    name = scenario_name(parsed.output)
    written = write_scenario(name, _title(recordings[0], sifted[0]), _template(), sifted[0], guessed)
    _write(parsed.output, written.text)
    if written.photo_bytes:
        _draw(parsed.output.parent / PHOTO_FILE, written.photo_bytes)
    _report(parsed.output, sifted, guessed, written)
    return ExitCode.AS_EXPECTED


def _from_openapi(parsed: argparse.Namespace) -> ExitCode:
    document = read_document(parsed.document)
    described = describe(document, parsed.path)
    first, second = described.people
    guessed = guess(first, second, "says which thing is meant, and no earlier answer of the document holds it")
    guessed.left += [*described.doubts, "think_seconds: a document says nothing of how long people stay at a step"]
    title = " ".join(document.title.split())[:TITLE_CHARACTERS_LIMIT] or f"As {document.name} describes it"
    written = write_scenario(scenario_name(parsed.output), title, _template(), first, guessed, "an OpenAPI document")
    _write(parsed.output, written.text)
    if written.photo_bytes:
        _draw(parsed.output.parent / PHOTO_FILE, written.photo_bytes)
    _report(parsed.output, [first, second], guessed, written)
    return ExitCode.AS_EXPECTED


def _report(output: Path, sifted: list[Sifted], guessed: Guess, written: Written) -> None:
    """What was made of the recordings or the document, and what is left to do."""
    print(f"{output}: {len(guessed.drafts)} steps, {guessed.captures} captures, hosts {', '.join(sifted[0].hosts)}")
    if sifted[0].dropped:
        print(f"  left out: {reasons(sifted[0].dropped)}")
    if len(sifted) == 1:
        print("  one recording: captures are a guess; a second one, as another person, shows what really changes")
    left = [*written.left, *_faults(output)]
    print(f"  left for you: {len(left)}" if left else "  nothing is left to fill in")
    for item in left:
        print(f"  - {item}")
    print(f"next: gelombang try {output} --target {sifted[0].origin}")


def _faults(output: Path) -> list[str]:
    try:
        load_scenario(output)
    except FileError as error:
        return [str(fault) for fault in error.faults]
    return []


def _title(recording: Recording, sifted: Sifted) -> str:
    title = next((title for title in recording.titles.values() if title and "://" not in title), "")
    return " ".join(title.split())[:TITLE_CHARACTERS_LIMIT] or f"Recorded at {sifted.hosts[0]}"


def _template() -> str:
    """Without its first line, which names the schema by a path that holds in our folder alone."""
    text = (scenarios_folder() / "templates" / f"{TEMPLATE}.toml").read_text(encoding="utf-8")
    return text.partition("\n")[2] if text.startswith("#:schema ") else text


def _write(output: Path, text: str) -> None:
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{output} exists; want a new file, so that nothing you changed is lost") from None
    except OSError as error:
        raise InputError(f"{output} can't be written ({error.strerror}); want a file in a folder that exists") from None


def _draw(path: Path, size_bytes: int) -> None:
    """A photo of about the recorded size, marked as an example: recordings rarely hold the bytes, and they would be somebody's face."""
    if path.exists():
        return
    pixels = min(int(max(size_bytes, PHOTO_BYTES_MIN) / PHOTO_BYTES_PER_PIXEL), PIXELS_LIMIT)
    path.write_bytes(draw_photo(PhotoKind.KTP, pixels, PHOTO_QUALITY))
