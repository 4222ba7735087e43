"""The page about steps: every example on it passes the check of a scenario."""

import re
from pathlib import Path

import pytest

from gelombang.errors import FileError
from gelombang.hooks import HookRequest, load_hook
from gelombang.loading import load_scenario
from gelombang.steps import RequestStep

PAGE = (Path(__file__).parents[2] / "docs" / "steps.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
HOOK = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

BEFORE = """extends = "smoke"
name = "page"
objective = []

"""


def scenario_file(folder: Path, example: str) -> Path:
    (folder / "photos").mkdir()
    (folder / "photos" / "one.jpg").write_bytes(b"photo")
    (folder / "form.pdf").write_bytes(b"form")
    (folder / "signing.py").write_text(HOOK[0])
    path = folder / "page.toml"
    path.write_text(BEFORE + example)
    return path


def test_there_is_an_example_for_each_form() -> None:
    assert len(EXAMPLES) >= 10
    bodies, answers = "form multipart raw file folder tus", "css regex cookie header matches contains equals"
    for word in f"{bodies} {answers} query cookies redirects repeat_until parallel hook".split():
        assert any(re.search(rf"\b{word}\b", example) for example in EXAMPLES), word


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: re.findall(r'step = "(.*)"', text)[0])
def test_every_example_passes_the_check(tmp_path: Path, example: str) -> None:
    scenario = load_scenario(scenario_file(tmp_path, example))
    assert all(isinstance(step, RequestStep) for step in scenario.journey)


def test_a_wrong_example_does_not_pass(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="regex"):
        load_scenario(scenario_file(tmp_path, EXAMPLES[0] + '\ncapture = { a = { regex = "(" } }\n'))


def test_the_hook_of_the_page_works(tmp_path: Path) -> None:

    example = next(text for text in EXAMPLES if "hook =" in text)
    (step,) = load_scenario(scenario_file(tmp_path, example)).journey
    assert isinstance(step, RequestStep)
    assert step.hook is not None
    request = HookRequest("POST", "http://127.0.0.1/signed", {}, b'{"amount":5}', {})
    load_hook(step.hook)(request)
    assert set(request.captured) == set(step.hook_values)
