"""An inbox that is somebody else's function: one bad answer costs that message and no other."""

import sys
from pathlib import Path

import pytest

from gelombang.inbox import HookInbox
from gelombang_loadtests.hook_source import HookSource

MODULE = """
def look(address, kind, since):
    if address == "bad":
        raise KeyError("a secret text")
    return {"code": "123"}
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HookSource:
    (tmp_path / "my_inbox_hook.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_inbox_hook", raising=False)
    made = HookSource("mine", HookInbox(source="hook", function="my_inbox_hook:look"))
    made.open()
    return made


def test_others_of_the_round_are_asked_for_although_one_fails(source: HookSource) -> None:
    assert source.batch([("bad", "otp"), ("good", "otp")]) == [{"address": "good", "kind": "otp", "code": "123"}]


def test_a_round_without_any_answer_has_failed(source: HookSource) -> None:
    assert source.batch([("bad", "otp")]) is None


def test_a_failing_function_is_told_once_with_its_place_and_never_its_text(source: HookSource, capsys: pytest.CaptureFixture[str]) -> None:
    source.batch([("bad", "otp"), ("bad", "otp")])
    assert capsys.readouterr().err == "inbox mine: my_inbox_hook:look raised KeyError (look, line 4)\n"
