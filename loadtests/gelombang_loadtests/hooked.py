"""A step's hook at work for one attempt: called before each request, its time taken."""

from collections.abc import Mapping, Sequence

from gelombang.clock import monotonic_us
from gelombang.hooks import Hook, HookRequest
from gelombang_loadtests.bodies import Carried


class Hooked:
    """What a hook makes of one attempt's requests. `captured` holds what it gave for later steps."""

    def __init__(self, hook: Hook, values: Mapping[str, str]) -> None:
        self._hook = hook
        self._values = values
        self.captured: dict[str, str] = {}

    def headers(self, method: str, url: str, headers: Mapping[str, str], carried: Carried) -> tuple[dict[str, str], int]:
        """The headers as the hook leaves them, and the microseconds that it took. What it raises makes the run void."""
        began_us = monotonic_us()
        body = carried.content if isinstance(carried.content, bytes) else b"".join(carried.content)
        request = HookRequest(method, url, dict(headers), body, self._values)
        self._hook(request)
        self.captured |= {name: str(value) for name, value in request.captured.items()}
        return {str(name).lower(): str(text) for name, text in request.headers.items()}, monotonic_us() - began_us

    def given(self, names: Sequence[str]) -> tuple[dict[str, str], str]:
        """The values of these names; a sentence as a second, when one was not given."""
        missing = next((name for name in names if name not in self.captured), None)
        if missing is not None:
            return {}, f"capture {missing} (hook) found nothing: the hook did not put it into captured"
        return {name: self.captured[name] for name in names}, ""
