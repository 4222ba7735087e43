"""Bodies of requests: a step's body with one person's values, as the buffers that are sent.

JSON, a page's form (application/x-www-form-urlencoded, WHATWG URL, 5.2), multipart/form-data with texts, photos and files, a raw text, or
one file. Photos and files are not copied.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from gelombang.person import Person
from gelombang.seeds import Purpose, draw
from gelombang.step_parts import Body, FilePart
from gelombang.templates import filled
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.gear import Gear
from gelombang_loadtests.json_template import JsonTemplate
from gelombang_loadtests.multipart_body import FileField, TextField, multipart_form
from gelombang_loadtests.own_files import type_of
from gelombang_loadtests.person_photo import photo_of

Content = bytes | tuple[bytes | memoryview, ...]

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
TEXT_TYPE = "text/plain; charset=utf-8"
PHOTO_TYPE = "image/jpeg"


@dataclass(slots=True)
class Carried:
    """What a request carries; no type when it carries nothing."""

    content_type: str | None
    content: Content


NOTHING = Carried(None, b"")


class BodyForm:
    """One step's body, ready to be made for anybody."""

    def __init__(self, body: Body, gear: Gear) -> None:
        self._body = body
        self._gear = gear
        self._json = None if body.json_fields is None else JsonTemplate(body.json_fields)

    def made(self, applicant: Applicant, person: Person, values: Mapping[str, str], step: int) -> Carried:
        """The body with the person's values."""
        body = self._body
        if self._json is not None:
            return Carried(JSON_TYPE, self._json.filled(values))
        if body.form is not None:
            return Carried(FORM_TYPE, urlencode({name: filled(text, values) for name, text in body.form.items()}).encode())
        if body.raw is not None:
            return Carried(body.content_type or TEXT_TYPE, filled(body.raw, values).encode())
        if body.file is not None:
            return Carried(body.content_type or type_of(body.file), (self._gear.files.content(Path(body.file)),))
        if body.multipart is not None:
            fields = [
                file_field(self._gear, name, part, applicant, person, step, i)
                if isinstance(part, FilePart)
                else TextField(name, filled(part, values))
                for i, (name, part) in enumerate(body.multipart.items())
            ]
            form = multipart_form(fields)
            return Carried(form.content_type.decode(), form.parts)
        return NOTHING


def fixed_type_of(body: Body) -> str | None:
    """The content type of a body that holds texts alone, which is the same for everybody; None for one with files."""
    if body.json_fields is not None:
        return JSON_TYPE
    if body.form is not None:
        return FORM_TYPE
    return None if body.raw is None else body.content_type or TEXT_TYPE


def file_field(gear: Gear, name: str, part: FilePart, applicant: Applicant, person: Person, step: int, number: int) -> FileField:
    """A photo or file as the person sends it; `number` tells the files of one step apart."""
    if part.photo is not None:
        photo = photo_of(gear.photo, part.photo, applicant, person, step)
        return FileField(name, part.filename or f"{part.photo}.jpg", part.content_type or PHOTO_TYPE, photo.parts)
    assert part.folder is not None
    # Step and field, not the number of the try: who tries again sends the same file.
    chosen = gear.files.in_folder(part.folder, draw(person.seed, person.index, Purpose.FOLDER_FILE, step << 16 | number))
    return FileField(name, part.filename or chosen.name, part.content_type or type_of(chosen.name), (gear.files.content(chosen),))
