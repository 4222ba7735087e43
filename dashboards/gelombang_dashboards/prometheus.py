"""Configuration of the Prometheus that scrapes a run.

The committed `prometheus/prometheus.yml` is the template: two jobs without targets. `prometheus_config` fills in targets and the paths
of the rules; what it writes is JSON where a value is needed, which YAML reads as it is, so no name can break out of its place.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gelombang.errors import InputError
from gelombang.openmetrics import JOBS
from gelombang.resources import dashboards_folder
from gelombang.telemetry import Side

RULE_FILES = ("recording.yml", "findings.yml", "alerts.yml")
_ADDRESS = re.compile(r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$")
_LABEL = re.compile(r"^[a-z][a-z0-9_]*$")
_NO_TARGETS = "    static_configs: []"


@dataclass(frozen=True, slots=True)
class Target:
    """One process whose `/metrics` is scraped. `address` is host:port; `labels` are added to each of its series."""

    side: Side
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    instance: str = ""
    """What its series call it; without it, its address."""

    def __post_init__(self) -> None:
        found = _ADDRESS.match(self.address)
        if found is None or not 0 < int(found[2]) < 65_536:
            raise InputError(f"Prometheus target is {self.address!r}; want host:port such as 127.0.0.1:9400, without http:// or a path")
        for name in self.labels:
            if not _LABEL.match(name) or name in ("job", "instance"):
                raise InputError(f"label of Prometheus target {self.address} is {name!r}; want lower case, and not job or instance")


def prometheus_config(targets: Sequence[Target], scrape_seconds: float = 1.0, rules: bool = True) -> str:
    """The text of a `prometheus.yml` that scrapes `targets` and evaluates the shipped rules, or none, wherever the file is then put."""
    if scrape_seconds < 0.1:
        raise InputError(f"scrape interval is {scrape_seconds} s; want 0.1 or more")
    folder = dashboards_folder() / "prometheus"
    text = (folder / "prometheus.yml").read_text(encoding="utf-8")
    interval = f"{round(scrape_seconds * 1000)}ms"
    text = text.replace("scrape_interval: 1s", f"scrape_interval: {interval}").replace("scrape_timeout: 1s", f"scrape_timeout: {interval}")
    for name in RULE_FILES:
        text = text.replace(f"  - {name}\n", f"  - {json.dumps(str(folder / name))}\n" if rules else "")
    if not rules:
        text = text.replace("rule_files:\n", "rule_files: []\n")
    for side, job in JOBS.items():
        empty = f"  - job_name: {job}\n{_NO_TARGETS}\n"
        assert empty in text, f"the template lacks the job {job}"
        text = text.replace(empty, f"  - job_name: {job}\n{_static_configs([t for t in targets if t.side is side])}\n")
    return text


def _static_configs(targets: Sequence[Target]) -> str:
    if not targets:
        return _NO_TARGETS
    lines = ["    static_configs:"]
    for target in targets:
        lines.append(f"      - targets: {json.dumps([target.address])}")
        labels = {**target.labels, **({"instance": target.instance} if target.instance else {})}
        if labels:
            lines.append(f"        labels: {json.dumps(labels)}")
    return "\n".join(lines)
