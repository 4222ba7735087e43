"""The catalogue of metrics follows Prometheus's rules of naming, and every label comes from a closed set."""

import dataclasses
import re

import pytest

from gelombang.telemetry import CATALOGUE, Kind, Metric, Side
from gelombang.telemetry_labels import LABEL_SETS
from gelombang_server.routes import Route

BASE_UNITS = ("seconds", "bytes", "ratio")
OTHER_UNITS = ("milliseconds", "ms", "us", "minutes", "hours", "kb", "mb", "kib", "mib", "kilobytes", "megabytes", "percent", "bits")


def faults(metric: Metric) -> list[str]:
    """Everything that Prometheus, "Metric and label naming", would have otherwise."""
    found = []
    words = metric.name.split("_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", metric.name):
        found.append("not lower case words joined by _")
    if not metric.name.startswith(f"gelombang_{metric.side}_"):
        found.append("does not say whose it is")
    if metric.name.endswith("_total") != (metric.kind is Kind.COUNTER):
        found.append("_total is for counters, all of them")
    if set(words) & set(OTHER_UNITS):
        found.append("not a base unit")
    if set(words) & {"counter", "gauge", "histogram"} or words[-1] in ("bucket", "count", "sum", "created"):
        found.append("its name holds its kind")
    if not metric.help.endswith(".") or metric.help != metric.help.strip() or len(metric.help) < 10:
        found.append("help is no sentence")
    if set(metric.labels) & {"le", "job", "instance", "quantile"} or any(not re.fullmatch(r"[a-z][a-z_]*", x) for x in metric.labels):
        found.append("a label's name is Prometheus's own or not lower case")
    found += [f"the label {label} has no closed set" for label in metric.labels if (metric.side, label) not in LABEL_SETS]
    if (metric.kind is Kind.HISTOGRAM) != bool(metric.buckets):
        found.append("buckets are for histograms, all of them")
    if list(metric.buckets) != sorted(set(metric.buckets)) or any(bound <= 0 for bound in metric.buckets):
        found.append("buckets are not rising from above zero")
    if metric.kind is Kind.HISTOGRAM and words[-1] not in BASE_UNITS:
        found.append("a histogram's name ends with its unit")
    return found


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_metric_follows_the_rules(metric: Metric) -> None:
    assert faults(metric) == []


def test_the_servers_routes_are_the_closed_set_that_the_dashboard_chooses_from() -> None:
    assert LABEL_SETS[Side.SERVER, "route"].values == tuple(route.label for route in Route)


def test_names_are_given_once() -> None:
    names = [metric.name for metric in CATALOGUE]
    assert len(names) == len(set(names))


def test_every_closed_set_belongs_to_a_label_in_use_and_is_described() -> None:
    in_use = {(metric.side, label) for metric in CATALOGUE for label in metric.labels}
    assert set(LABEL_SETS) == in_use
    for (side, label), label_set in LABEL_SETS.items():
        assert label_set.bounded_by, (side, label)
        assert len(label_set.values) == len(set(label_set.values)), (side, label)
        assert all(re.fullmatch(r"[a-z0-9][a-z0-9_-]*", value) for value in label_set.values), (side, label)


def test_the_series_of_a_server_process_stay_below_a_stated_number() -> None:
    """A bound on what a scrape can cost: labels with open sets counted with a generous 40 values."""
    worst = 0
    for metric in CATALOGUE:
        series = 1
        for label in metric.labels:
            series *= len(LABEL_SETS[metric.side, label].values) or 40
        if metric.name == "gelombang_server_upload_attempts_total":
            # Codes go with a stage and an outcome each, not with all of them: four pairs a code is more than the server has.
            series = 2 * 4 * len(LABEL_SETS[metric.side, "code"].values)
        if metric.name == "gelombang_generator_attempts_total":
            series = 40 * 4 * len(LABEL_SETS[metric.side, "outcome"].values)
        if metric.labels and metric.name.endswith("_info"):
            series = 1
        worst += series * (len(metric.buckets) + 3 if metric.buckets else 1)
    assert worst < 10_000


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": "gelombang_server_uploadAttempts_total"}, "lower case"),
        ({"name": "gelombang_uploads_total"}, "whose"),
        ({"name": "gelombang_server_uploads"}, "_total"),
        ({"name": "gelombang_server_wait_ms_total"}, "base unit"),
        ({"name": "gelombang_server_uploads_counter_total"}, "its kind"),
        ({"help": "Uploads"}, "no sentence"),
        ({"labels": ("person",)}, "the label person has no closed set"),
        ({"labels": ("le",)}, "Prometheus's own"),
        ({"buckets": (1.0,)}, "for histograms"),
        ({"kind": Kind.HISTOGRAM, "name": "gelombang_server_wait_seconds", "buckets": (1.0, 0.5)}, "not rising"),
        ({"kind": Kind.HISTOGRAM, "name": "gelombang_server_wait", "buckets": (1.0, 2.0)}, "ends with its unit"),
    ],
)
def test_the_rules_find_what_is_wrong(changes: dict, fault: str) -> None:
    good = next(metric for metric in CATALOGUE if metric.name == "gelombang_server_upload_attempts_started_total")
    assert any(fault in line for line in faults(dataclasses.replace(good, **changes)))
