"""Hooks: found when a scenario is read, called with each request."""

from pathlib import Path

import pytest

from gelombang.errors import InputError
from gelombang.hooks import load_hook, place_hooks
from gelombang_loadtests.bodies import Carried
from gelombang_loadtests.hooked import Hooked

SIGN = """
def sign(request):
    request.headers["X-Signature"] = f"{request.method} {request.url} {len(request.body)} {request.values['email']}"
    request.captured["nonce"] = 7

not_a_function = 3
"""


def written(folder: Path, text: str = SIGN) -> str:
    (folder / "mine.py").write_text(text)
    return f"{folder}/mine.py"


def test_a_module_beside_the_scenario_is_named_by_its_file(tmp_path: Path) -> None:
    steps = [{"hook": "mine:sign"}, {"hook": "json:dumps"}, {}, "text", {"hook": 3}]
    file = written(tmp_path)
    assert list(place_hooks(steps, "journey", [tmp_path / "other", tmp_path])) == []
    assert steps[:2] == [{"hook": f"{file}:sign"}, {"hook": "json:dumps"}]


@pytest.mark.parametrize(
    ("reference", "text", "found"),
    [
        ("mine:sing", SIGN, "'mine:sing', a function that mine.py does not have"),
        ("mine:sign", "def sign(", "whose module can't be read"),
        ("nobody_has_this:sign", SIGN, "'nobody_has_this:sign', a module that is not there"),
        ("nobody.has.this:sign", SIGN, "'nobody.has.this:sign', a module that is not there"),
    ],
)
def test_a_hook_that_is_not_there_is_a_fault_of_the_file(tmp_path: Path, reference: str, text: str, found: str) -> None:
    written(tmp_path, text)
    (fault,) = place_hooks([{"hook": reference}], "setup", [tmp_path])
    assert fault.where == "setup[0].hook"
    assert found in fault.found


def test_a_hook_sees_the_request_and_adds_headers_and_values(tmp_path: Path) -> None:
    hooked = Hooked(load_hook(f"{written(tmp_path)}:sign"), {"email": "a@warga.example"})
    headers, took_us = hooked.headers("PUT", "http://127.0.0.1:9/x", {"accept": "*/*"}, Carried("image/png", (b"ab", memoryview(b"cd"))))
    assert headers == {"accept": "*/*", "x-signature": "PUT http://127.0.0.1:9/x 4 a@warga.example"}
    assert took_us >= 0
    assert hooked.given(["nonce"]) == ({"nonce": "7"}, "")
    assert hooked.given(["nonce", "other"])[1] == "capture other (hook) found nothing: the hook did not put it into captured"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 / 0", "can't be imported (ZeroDivisionError"),
        ("", "can't be imported (AttributeError"),
        ("sign = 3", "is no function but int; want module:function"),
    ],
)
def test_what_can_t_be_called_is_said_before_the_run(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        load_hook(f"{written(tmp_path, text)}:sign")
    assert sentence in str(error.value)
