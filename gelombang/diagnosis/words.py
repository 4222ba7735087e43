"""A diagnosis as one sentence, and as the nine values of the page *Now*."""

from collections.abc import Callable

from gelombang.diagnosis.causes import Cause
from gelombang.diagnosis.decisions import FAILING_RATIO
from gelombang.diagnosis.diagnose import Diagnosis, Finding


def seconds_from_zero(seconds: float) -> str:
    """How a moment is said when nobody knows the wall's clock."""
    return f"{seconds:.0f} s after the run's zero"


def sentence(found: Diagnosis, moment: Callable[[float], str] = seconds_from_zero) -> str:
    """What is wrong, where, since when, whether it recovers, and what to turn."""
    parts = [*_failing(found, moment)]
    for number, finding in enumerate(found.findings):
        parts.append(_cause(finding, moment, is_second=number > 0))
    if not found.findings:
        nothing = f"nothing wrong: {_pace(found)}"
        parts.append("no cause that this table knows shows itself; begin with the page Where uploads fail" if parts else nothing)
    if found.instrument == "invalid":
        parts.append("the generator calls its own run invalid, so look at the page The instrument first")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def lines(found: Diagnosis, moment: Callable[[float], str] = seconds_from_zero) -> list[tuple[str, str]]:
    """The nine values, each with its name."""
    leading, shed = found.leading, found.shed_per_second
    whose = "; ".join(f"{finding.owner}: {_named(finding)}, turn {finding.knob}" for finding in found.findings)
    trend = "recovering" if found.is_recovering else "not recovering" if found.failing_since_seconds is not None else "steady"
    failing = "no uploads" if found.failing_ratio is None else f"{_percent(found.failing_ratio)}, {trend}"
    return [
        ("people per minute", _pace(found)),
        ("failing share of uploads", failing),
        (
            "leading stage and code",
            f"{leading.stage}/{leading.code}, {_percent(leading.excess_ratio)} of the excess" if leading else "none",
        ),
        ("whose fault", whose or "nobody's"),
        ("backlog before the photos", "unknown" if found.backlog_people is None else f"{found.backlog_people:,.0f} people"),
        ("time to drain", "nobody passes" if found.drain_seconds is None else f"{found.drain_seconds:,.0f} s of wall time"),
        ("acknowledged and not verified", "unknown" if found.unverified_photos is None else f"{found.unverified_photos:,.0f} photos"),
        ("shed on purpose", ", ".join(f"{code} {rate:.1f}/s" for code, rate in sorted(shed.items())) or "nothing"),
        ("instrument", found.instrument or "no client data: no generator runs"),
    ]


def _failing(found: Diagnosis, moment: Callable[[float], str]) -> list[str]:
    share, since = found.failing_ratio, found.failing_since_seconds
    if share is None or share <= FAILING_RATIO or since is None:
        return []
    where = f" at {found.leading.stage}/{found.leading.code}" if found.leading else ""
    recovering = "recovering" if found.is_recovering else "not recovering"
    return [f"{_percent(share)} of upload attempts fail{where} since {moment(since)}", recovering]


def _cause(finding: Finding, moment: Callable[[float], str], is_second: bool) -> str:
    also = "also " if is_second else ""
    return f"{also}{_named(finding)} ({finding.owner}) since {moment(finding.since_seconds)}: turn `{finding.knob}`"


def _named(finding: Finding) -> str:
    return f"{finding.cause} {finding.which}" if finding.cause is Cause.PROCESS_SLOW and finding.which else str(finding.cause)


def _pace(found: Diagnosis) -> str:
    arriving, finishing = found.arriving_per_minute, found.finishing_per_minute
    return f"{arriving or 0:,.0f} people a minute arrive and {finishing or 0:,.0f} finish"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.0f} %"
