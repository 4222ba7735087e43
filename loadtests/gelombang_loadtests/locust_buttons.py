"""Start and Stop of Locust's web UI, for a run that is not Locust's own to start and stop.

Both are heard before Locust acts on them, and only from who may: Locust's login, where there is one, comes first. A start that can't be is
answered in Locust's own way, as a sentence in its page.
"""

from collections.abc import Callable
from typing import Any

from flask import Response, jsonify, request

_START, _STOP = "locust.swarm", "locust.stop"


class Buttons:
    """`start` gets the host that the page's form names, and says why a run can't begin, or nothing; `stop` ends the run."""

    def __init__(self, web_ui: Any, start: Callable[[str | None], str | None], stop: Callable[[], None]) -> None:
        self._start = start
        self._stop = stop
        allowed = web_ui.auth_required_if_enabled(self._pressed)
        web_ui.app.before_request(lambda: allowed() if request.endpoint in (_START, _STOP) else None)

    def _pressed(self) -> Response | None:
        if request.endpoint == _STOP:
            self._stop()
            return None
        refusal = self._start(request.form.get("host"))
        return None if refusal is None else jsonify({"success": False, "message": refusal, "host": request.form.get("host")})
