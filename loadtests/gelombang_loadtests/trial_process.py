"""One trial as a process: reads its order, walks the person, says what happened on standard output, ends with the trial's exit code."""

import sys
from collections.abc import Callable
from pathlib import Path

from gelombang.errors import GelombangError, InputError
from gelombang.runplan import read_model
from gelombang.steps import PhotoKind, PhotoStep, RequestStep, Step
from gelombang.trial.events import AttemptEvent, EndEvent
from gelombang.trial.masking import Mask, looks_like_session
from gelombang.trial.order import TrialOrder
from gelombang_loadtests.generator import Generator
from gelombang_loadtests.photos import SIZE_LIMIT_BYTES, Photo, PhotoLibrary
from gelombang_loadtests.trial import Trial


def main(arguments: list[str]) -> int:
    """Walk the person that the file names; the exit code."""
    try:
        if len(arguments) != 1:
            raise InputError(f"given {len(arguments)} files; want the path of one trial's order")
        path = Path(arguments[0])
        order = read_model(path, TrialOrder)
        generator = Generator(order.plan, path.parent, 0, _photos(order), lambda *_: None, lambda _: None)
        generator.reach()
        generator.set_up()
        mask = Mask({**generator.beside.known, **_credentials(order, generator)}, order.show_captures)
        end = Trial(order, generator, mask, _say).run()
    except GelombangError as error:
        print(f"gelombang: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    _say(end)
    return end.exit_code


def _photos(order: TrialOrder) -> Callable[[PhotoKind, int, bytes], Photo]:
    """Photos are drawn only for a journey that has some: drawing takes a second or two."""
    if any(_has_photo(step) for step in order.plan.scenario.journey):
        return PhotoLibrary.kept(int(SIZE_LIMIT_BYTES * order.plan.scale.bytes_ratio)).photo

    def none(kind: PhotoKind, size_bytes: int, serial: bytes) -> Photo:
        raise AssertionError(f"a journey without photo steps asks for a {kind}")

    return none


def _has_photo(step: Step) -> bool:
    if isinstance(step, RequestStep):
        return any(body is not None and body.has_photo for body in (step.body, *(request.body for request in step.parallel)))
    return isinstance(step, PhotoStep)


def _credentials(order: TrialOrder, generator: Generator) -> dict[str, str]:
    """Values of the person's rows in feeds that are credentials by the names of their columns."""
    names = [
        f"feed.{name}.{column}"
        for name, feed in order.plan.scenario.feed.items()
        for column in (feed.content.columns if feed.content else ())
        if looks_like_session(column)
    ]
    return {name: generator.beside.value(name, order.person) for name in names}


def _say(event: AttemptEvent | EndEvent) -> None:
    sys.stdout.write(event.model_dump_json() + "\n")
    sys.stdout.flush()
