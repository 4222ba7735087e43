"""The answer to "how much does this site carry?": as JSON that scores and plans read, and as a sheet for people."""

from pydantic import BaseModel, ConfigDict, Field

from gelombang.runplan import ScaleNumbers
from gelombang.sheet import Curve, Plot, Section, Sheet, Table, Tone
from gelombang_capacity.limit_search import CONFIDENCE, Found

LIMIT_FILE = "limit.json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProbeResult(_Part):
    """One run of the search."""

    load: float
    arrivals_per_second: float
    is_long: bool
    is_met: bool
    doubts: list[str]
    broken: list[str]
    first_broken: str
    busiest: str
    folder: str


class LimitResult(_Part):
    """The end of a search, at full size and in the people's time."""

    schema_version: int = 1
    kind: str
    """`live` or `simulated`."""
    key: str
    """Under which it was foretold (`gelombang_capacity.predictions`)."""
    scenario: str
    profile: str
    commit: str | None
    scale: ScaleNumbers
    seed: int
    hold_seconds: float
    made_at: str
    arrivals_per_second_at_load_1: float
    limit_per_second: float | None
    """The most likely limit; None: none was found, `reason` says why."""
    low_per_second: float | None
    high_per_second: float | None
    confirmed_per_second: float | None
    """The largest rate at which a longer hold met everything."""
    confidence: float = CONFIDENCE
    reason: str
    forecast: str = ""
    forecast_per_second: float | None = None
    """The forecast's largest rate."""
    headroom_ratio: float | None = None
    """Confirmed over forecast."""
    probes: list[ProbeResult] = Field(default_factory=list)


def probe_results(found: Found, per_second: float) -> list[ProbeResult]:
    """What each probe said, as JSON keeps it."""
    return [
        ProbeResult(
            load=probe.load,
            arrivals_per_second=probe.load * per_second,
            is_long=probe.is_long,
            is_met=probe.is_met,
            doubts=list(probe.doubts),
            broken=list(probe.broken),
            first_broken=probe.first_broken,
            busiest=probe.busiest,
            folder=probe.folder,
        )
        for probe in found.probes
    ]


def limit_sheet(result: LimitResult, title: str) -> Sheet:
    """The page of one search."""
    return Sheet(
        kind=f"The limit of {result.profile}, {'measured live' if result.kind == 'live' else 'simulated, not measured'}",
        title=title,
        scene=f"Scenario {result.scenario}, {result.scale.sample} of the people, {result.scale.speed:g} times as fast, photos × "
        f"{result.scale.bytes_ratio:g}; each hold {result.hold_seconds:,.0f} s of people's time; seed {result.seed}; code "
        f"{result.commit or 'unknown'}; {result.made_at}.",
        verdict=verdict_words(result),
        tone=Tone.GOOD if result.confirmed_per_second is not None else Tone.BAD,
        sections=(_broke_section(result), _probes_section(result), _method_section(result)),
        doubts=tuple(_doubts(result)),
    )


def verdict_words(result: LimitResult) -> str:
    """The answer in one or two sentences."""
    if result.confirmed_per_second is None or result.limit_per_second is None:
        so_far = ""
        if result.low_per_second is not None and result.high_per_second is not None:
            so_far = f" So far it lies between {result.low_per_second:.3g} and {result.high_per_second:.3g} arrivals per second."
        return f"No limit was found: {result.reason}.{so_far}"
    words = (
        f"{result.profile} carries {result.confirmed_per_second:.3g} arrivals per second: a longer hold confirmed it. Its limit is "
        f"{result.limit_per_second:.3g}, with {result.confidence:.0%} probability between {result.low_per_second:.3g} and "
        f"{result.high_per_second:.3g}."
    )
    if result.headroom_ratio is None:
        return words
    enough = "room to spare" if result.headroom_ratio >= 1 else "TOO LITTLE"
    return (
        f"{words} The forecast, {result.forecast}, asks for {result.forecast_per_second:.3g} at its peak: {enough} "
        f"({result.headroom_ratio:.2g} times as much is carried)."
    )


def _doubts(result: LimitResult) -> list[str]:
    doubted = sum(bool(probe.doubts) for probe in result.probes)
    found = []
    if doubted:
        found.append(f"{doubted} of {len(result.probes)} runs doubted themselves and were not counted.")
    if result.kind == "simulated":
        found.append("Nothing was measured: this is what the model of the site says (docs/capacity.md).")
    return found


def _broke_section(result: LimitResult) -> Section:
    broken = [probe for probe in result.probes if not probe.is_met and not probe.doubts]
    if not broken:
        return Section("What broke first", ("Nothing broke.",))
    nearest = min(broken, key=lambda probe: probe.load)
    words = [f"At {nearest.arrivals_per_second:.3g} arrivals per second, the smallest rate that broke: {nearest.first_broken or '-'}."]
    words += [f"{each}." for each in nearest.broken]
    if nearest.busiest:
        words.append(f"Used there: {nearest.busiest}.")
    return Section("What broke first", tuple(words))


def _probes_section(result: LimitResult) -> Section:
    rows = tuple(
        (
            str(number),
            f"{probe.arrivals_per_second:.3g}",
            "longer" if probe.is_long else "",
            "not counted" if probe.doubts else "carried" if probe.is_met else "broke",
            probe.doubts[0] if probe.doubts else (probe.broken[0] if probe.broken else probe.busiest),
        )
        for number, probe in enumerate(result.probes, start=1)
    )
    counted = [(number, probe) for number, probe in enumerate(result.probes, start=1) if not probe.doubts]
    curves = [Curve("rate of the run", tuple((float(number), probe.arrivals_per_second) for number, probe in counted))]
    for name, value in (("interval, low", result.low_per_second), ("interval, high", result.high_per_second)):
        if value is not None:
            curves.append(Curve(name, ((1.0, value), (float(len(result.probes)), value)), is_reference=True))
    plot = Plot("How the search went", "runs", "arrivals per second at full size", tuple(curves)) if len(counted) > 1 else None
    return Section("Every run", plot=plot, tables=(Table(("run", "arrivals/s", "hold", "it", "why"), rows),))


def _method_section(result: LimitResult) -> Section:
    return Section(
        "How it was found",
        (
            "Arrivals are open: nobody waits with arriving until the site has answered. The rate is doubled until it breaks; then each run "
            "is made where it teaches most about a limit that may be soft, and the interval is what all runs together leave likely.",
            "A run breaks when an objective of the scenario is missed or when the people inside a step grow in number without end. A run "
            "with doubts about itself counts for nothing.",
        ),
    )
