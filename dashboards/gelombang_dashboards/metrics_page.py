"""Writes `docs/metrics.md` from the catalogue: `python -m gelombang_dashboards.metrics_page`. A test fails while the page is stale."""

from gelombang.resources import dashboards_folder
from gelombang.telemetry import CATALOGUE, Kind, Metric, Side
from gelombang.telemetry_labels import LABEL_SETS, LabelSet

_VALUES_SHOWN = 12

_HEAD = """# Metrics

Written by `python -m gelombang_dashboards.metrics_page` from `gelombang/telemetry.py`; change that file, not this page.

Names follow Prometheus: base units, `_total` for counters. Times are wall seconds of the scaled site. Every label's values come from a
closed set, so the number of series is bounded whatever people send. `job` and `instance` are added by Prometheus.
"""
_INTRODUCTIONS = {
    Side.SERVER: "## Server\n\nWhat the site did, from `/metrics` of the harness's listener; each server process speaks for itself.\n",
    Side.GENERATOR: "## Generator\n\nWhat people met. Without a generator, as on the real day, these are missing.\n",
}


def page() -> str:
    """The whole page, with a newline at its end."""
    parts = [_HEAD]
    for side, introduction in _INTRODUCTIONS.items():
        rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
        rows += [_row(metric) for metric in CATALOGUE if metric.side is side]
        parts += [introduction, "\n".join(rows) + "\n"]
        labels = ["| label | values | from |", "|---|---|---|"]
        labels += [_label_row(name, label_set) for (owner, name), label_set in LABEL_SETS.items() if owner is side]
        parts += [f"### Labels of the {side}\n", "\n".join(labels) + "\n"]
    return "\n".join(parts)


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    meaning = metric.help
    if metric.kind is Kind.HISTOGRAM:
        meaning += f" Buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)} s."
    return f"| `{metric.name}` | {metric.kind} | {labels} | {meaning} |"


def _label_row(name: str, label_set: LabelSet) -> str:
    shown = ", ".join(f"`{value}`" for value in label_set.values[:_VALUES_SHOWN])
    left = len(label_set.values) - _VALUES_SHOWN
    values = f"{shown} and {left} more" if left > 0 else shown
    return f"| `{name}` | {values} | {label_set.bounded_by} |"


def main() -> None:
    """Rewrite the page in this checkout and say where it is."""
    path = dashboards_folder().parent / "docs" / "metrics.md"
    path.write_text(page(), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
