"""One real browser beside a run: `python -m gelombang_loadtests.browser_probe FOLDER` waits for its moment and walks the site's pages.

It is nobody of the counted people: its name, numbers and trace ids are those of no planned person, and it only reads the inbox. Its line is
the scenario's median one, under the run's scale. After each step it writes down what it has (`gelombang.record_probe`), because the run
does not wait for it: at its SIGTERM the browser stops where it is, and looks once more. It takes one walk, tries nothing twice, and never
takes longer than `WALK_WITHIN_SECONDS`.
"""

import io
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

from PIL import Image
from playwright.sync_api import Error, sync_playwright

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.moment import seconds_after
from gelombang.person import Identity, birth_date, nik
from gelombang.record_probe import PICTURE_BYTES_LIMIT, PICTURES_LIMIT, PROBE_FILE, BrowserProbe, ProbeStep
from gelombang.runplan import PLAN_FILE, RunPlan, read_model, write_model
from gelombang.scale import Dimension
from gelombang.secrets import look_up_text
from gelombang.steps import PhotoKind as Photo
from gelombang_loadtests.chromium import find_chromium
from gelombang_loadtests.drawing import PIXELS_LIMIT, PhotoKind, draw_photo
from gelombang_loadtests.page_walk import Owner, Walker, WalkError, launch, walker

WALK_WITHIN_SECONDS = 120.0
ANSWER_WITHIN_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.2
LAUNCH_SECONDS = 3.0
"""How long before its moment the browser is started."""
NOBODY = 99_999_999
"""An index that no plan reaches, so that its number of identity is nobody else's."""
PHONE = "000199999999"
"""Of no operator, and outside the numbers that planned people have."""
PHOTO_QUALITY = 80
PHOTO_BYTES_PER_PIXEL = 0.24
PHOTO_BYTES = 40_000
"""Of a scenario without photos."""
PIXELS_LEAST = 60_000
QUALITIES = (60, 40, 25)
WORDS_LIMIT = 200

STOPPED = threading.Event()
"""The run is over."""


class RunInbox:
    """The site as the walk needs it: its address, and the messages of everybody, read once and in order."""

    def __init__(self, plan: RunPlan) -> None:
        self.url = plan.target_url
        self._plan = plan
        self._token = look_up_text(plan.harness_token, "--harness-token")
        self._last = 0
        self._found: dict[str, dict[str, Any]] = {}

    def message(self, address: str) -> Mapping[str, Any]:
        until_us = monotonic_us() + int(ANSWER_WITHIN_SECONDS * MICROSECONDS)
        while address not in self._found:
            _go_on()
            if monotonic_us() > until_us:
                raise WalkError(f"no message came within {ANSWER_WITHIN_SECONDS:g} s")
            query = f"{self._plan.harness_url}/messages?after={self._last}&limit=1000&wait_seconds=1"
            asked = Request(query, headers={"Authorization": f"Bearer {self._token}"})
            with urlopen(asked, timeout=ANSWER_WITHIN_SECONDS) as answer:
                document = json.load(answer)
            self._last = document["last"]
            self._found |= {one["address"]: one for one in document["messages"] if one["address"] == address}
        return self._found.pop(address)


@dataclass(slots=True)
class Diary:
    """What was seen so far, on disk after each step."""

    folder: Path
    plan: RunPlan
    probe: BrowserProbe
    began_us: int = field(default_factory=monotonic_us)

    @contextmanager
    def step(self, name: str, walked: Walker) -> Iterator[Callable[[], None]]:
        """One step; what is yielded takes the picture. Without that it is taken at the end, also of a step that fails."""
        self.go_on(name)
        self._write(failed=f"it did not get past {name}: the run ended first, or the browser did (probe.log)")
        began_us, pictures = monotonic_us(), list[str]()

        def look() -> None:
            pictures.append(self._picture(walked))

        try:
            yield look
        finally:
            took = (monotonic_us() - began_us) / MICROSECONDS
            if not pictures:
                look()
            at = self.plan.scale.scale().people_seconds((began_us - self.plan.zero_us) / MICROSECONDS)
            done = ProbeStep(step=name, at_seconds=round(at, 3), took_seconds=round(took, 3), picture=pictures[0])
            self._write(steps=[*self.probe.steps, done])

    def go_on(self, before: str) -> None:
        """Raises WalkError when the run is over, or the walk's time."""
        _go_on()
        if monotonic_us() - self.began_us > WALK_WITHIN_SECONDS * MICROSECONDS:
            raise WalkError(f"the walk had taken {WALK_WITHIN_SECONDS:g} s before {before}")

    def close(self, failed: str) -> None:
        self._write(failed=failed)

    def _write(self, **changes: object) -> None:
        self.probe = self.probe.model_copy(update=changes)
        write_model(self.folder / PROBE_FILE, self.probe)

    def _picture(self, walked: Walker) -> str:
        number = len(self.probe.steps)
        content = _small(walked.page.screenshot()) if number < PICTURES_LIMIT else b""
        if not content:
            return ""
        name = f"probe-{number}.jpg"
        (self.folder / name).write_bytes(content)
        return name


def main() -> None:
    folder = Path(sys.argv[1])
    plan = read_model(folder / PLAN_FILE, RunPlan)
    scale, line = plan.scale.scale(), plan.scenario.people.line
    assert plan.scenario.browser_probe_at is not None
    due_seconds = seconds_after(plan.scenario.opens_at, plan.scenario.browser_probe_at)
    due_us = plan.zero_us + int(scale.wall_seconds(due_seconds) * MICROSECONDS)
    probe = BrowserProbe(
        due_seconds=due_seconds,
        uplink_bytes_per_second=round(line.uplink_bytes_per_second.quantile(0.5) * line.uplink_ratio * scale.factor(Dimension.UPLINK)),
        round_trip_seconds=round(scale.wall_seconds(line.round_trip_seconds.quantile(0.5)), 6),
    )
    signal.signal(signal.SIGTERM, lambda number, frame: STOPPED.set())
    if _sleep_until(due_us - int(LAUNCH_SECONDS * MICROSECONDS)):
        return
    chromium = find_chromium()
    assert chromium is not None
    with TemporaryDirectory() as drawn, sync_playwright() as playwright, launch(playwright, chromium) as browser:
        photos = _photos(Path(drawn), plan)
        if _sleep_until(due_us):
            return
        diary = Diary(folder, plan, probe)
        person = Identity(plan.seed, NOBODY, plan.run)
        owner = Owner("peramban", nik(person), PHONE, birth_date(person).isoformat())
        with walker(browser, RunInbox(plan), owner) as walked:
            walked.context.set_default_timeout(1_000 * ANSWER_WITHIN_SECONDS)
            try:
                walked.line().carry(probe.uplink_bytes_per_second, probe.uplink_bytes_per_second, 1_000 * probe.round_trip_seconds)
                _walk(walked, diary, photos)
            except (Error, WalkError, OSError) as error:
                said = " ".join(str(error).split("Call log:")[0].split())[:WORDS_LIMIT]
                diary.close(f"it did not get past {diary.probe.steps[-1].step if diary.probe.steps else 'the first page'}: {said}")
            else:
                diary.close("")


def _walk(walked: Walker, diary: Diary, photos: Mapping[PhotoKind, Path]) -> None:
    with diary.step("the first page", walked):
        walked.open("/")
    for name, does in (
        ("signing up", walked.sign_up),
        ("the link in the mail", walked.confirm_email),
        ("personal data", walked.hand_in_data),
        ("the code in the SMS", walked.confirm_phone),
    ):
        with diary.step(name, walked):
            does()
    for kind, photo in photos.items():
        with diary.step(f"the photo: {kind}", walked) as look:
            walked.choose(kind, photo)
            walked.press("#send")
            while not walked.page.locator("#onward:visible").count():
                diary.go_on(f"the photo of the {kind} was stored")
                if walked.page.locator("#fault:visible").count():
                    raise WalkError(f"the page said: {walked.page.locator('#fault').inner_text()}")
                walked.page.wait_for_timeout(1_000 * LOOK_EVERY_SECONDS)
            look()
            walked.press("#onward")
            walked.page.wait_for_url("**/status")


def _go_on() -> None:
    if STOPPED.is_set():
        raise WalkError("the run ended first")


def _sleep_until(at_us: int) -> bool:
    """Whether the run ended before."""
    return STOPPED.wait(max(0.0, (at_us - monotonic_us()) / MICROSECONDS))


def _photos(folder: Path, plan: RunPlan) -> dict[PhotoKind, Path]:
    """As large as the smaller copy that the scenario's people send at last, under the scale: a page makes photos smaller on the phone, but
    for the site's real limit, not for a scaled one."""
    found = {}
    for kind in PhotoKind:
        photo = plan.scenario.people.photos.get(Photo(kind.value))
        size = photo.smaller_copy_bytes.quantile(0.5) * plan.scale.bytes_ratio if photo is not None else PHOTO_BYTES
        content = draw_photo(kind, min(max(int(size / PHOTO_BYTES_PER_PIXEL), PIXELS_LEAST), PIXELS_LIMIT), PHOTO_QUALITY)
        found[kind] = folder / f"{kind}.jpg"
        found[kind].write_bytes(content)
    return found


def _small(picture: bytes) -> bytes:
    """The same as a JPEG within the bound; nothing when it can't be."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for quality in QUALITIES:
        found = io.BytesIO()
        image.save(found, "JPEG", quality=quality, optimize=True)
        if found.tell() <= PICTURE_BYTES_LIMIT:
            return found.getvalue()
    return b""


if __name__ == "__main__":
    main()
