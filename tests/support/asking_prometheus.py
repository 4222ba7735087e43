"""The HTTP API of a Prometheus, by its address."""

import json
import urllib.parse
import urllib.request
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AskedPrometheus:
    base: str

    def get(self, path: str, **parameters: str) -> dict:
        with urllib.request.urlopen(f"{self.base}{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def values(self, expression: str, at: float | None = None) -> list[float]:
        """One number a series, now or at that Unix time."""
        moment = {} if at is None else {"time": f"{at:.3f}"}
        return [float(series["value"][1]) for series in self.get("/api/v1/query", query=expression, **moment)["result"]]

    def over(self, expression: str, first: float, last: float, step: float) -> list[list[float]]:
        """The numbers of each series over time."""
        span = {"start": f"{first:.3f}", "end": f"{last:.3f}", "step": f"{step:g}"}
        answer = self.get("/api/v1/query_range", query=expression, **span)["result"]
        return [[float(value) for _, value in series["values"]] for series in answer]
