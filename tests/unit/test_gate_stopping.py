"""A gate that is told to end while it starts a service knows of the service before it ends."""

import signal

import pytest

from gelombang_gates.service import uninterrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_takes_effect_when_what_was_begun_is_known(number: signal.Signals) -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    known = []

    def start() -> None:
        with uninterrupted():
            signal.raise_signal(number)
            known.append("service")

    before = signal.signal(number, end)
    try:
        with pytest.raises(KeyboardInterrupt):
            start()
        assert signal.getsignal(number) is end
    finally:
        signal.signal(number, before)
    assert known == ["service"]
