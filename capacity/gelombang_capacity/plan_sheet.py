"""A plan as the page that a ministry can read and an engineer can attack."""

from gelombang.sheet import Curve, Plot, Section, Sheet, Table, Tone
from gelombang_capacity.plan_inputs import SIGMAS, Inputs
from gelombang_capacity.plan_outcome import short
from gelombang_capacity.plan_result import Numbers, OptionResult, PlanResult
from gelombang_capacity.planning import ENOUGH_WORLDS_RATIO


def plan_sheet(result: PlanResult, title: str) -> Sheet:
    """The page of a plan."""
    return Sheet(
        kind=f"A plan for {title}",
        title="What would have let everybody upload?",
        scene=f"Scenario {result.scenario}, the first {result.for_seconds / 3600:g} hours; {result.worlds} worlds of {result.sample} of "
        f"the people, simulated; costs from a calibration of server version {result.calibrated_on or 'unknown'}; seed {result.seed}; code "
        f"{result.commit or 'unknown'}; {result.made_at}.",
        verdict=verdict_words(result),
        tone=Tone.GOOD if result.planned is not None else Tone.BAD,
        doubts=tuple(result.warnings),
        sections=(
            _options_section(result),
            *([_needs_section(result)] if result.needs else []),
            *([_waiting_section(result)] if result.waiting else []),
            _sensitivity_section(result),
            _assumptions_section(),
        ),
    )


def verdict_words(result: PlanResult) -> str:
    """The answer in a few sentences."""
    today = result.options[0]
    words = [
        f"As it is ({today.name}) {short(today.people_through.median)} people get past both photos "
        f"({short(today.people_through.low)} to {short(today.people_through.high)}); it is short of: {today.binding}."
    ]
    cheap = next((each for each in result.options if each.name == result.cheapest_improvement), None)
    if cheap is not None:
        words.append(
            f"The cheapest thing that helps is {cheap.price}: {cheap.name} lets {short(cheap.people_through.median)} through, at "
            f"{short(cheap.tries_per_photo.median)} tries and {short(cheap.received_bytes.median / 1e12)} TB received."
        )
    if result.planned is None:
        words.append(
            f"INFEASIBLE: {result.through_ratio:.0%} of those who could upload do not get through with any store that was tried; the best "
            f"is {result.best.share_through.median:.1%} with {result.best.name}, short of: {result.best.binding}."
        )
        return " ".join(words)
    through, store = result.planned, result.store_bandwidth_bytes_per_second
    assert store is not None
    words.append(
        f"For {result.through_ratio:.0%} of those who could upload, with {result.registry_wait_seconds / 60:g} minutes of waiting for the "
        f"registry at most, it takes {result.registry_lookups_per_second:g} look-ups and {store / 1e6:.3g} MB a second at the store: then "
        f"{_ranged(through.people_through)} get through, which is {through.share_through.median:.1%} ({through.share_through.low:.1%} to "
        f"{through.share_through.high:.1%}), in {short(through.waited_minutes.median)} minutes each."
    )
    return " ".join(words)


def _ranged(found: Numbers) -> str:
    return f"{short(found.median)} ({short(found.low)} to {short(found.high)})"


def _row(each: OptionResult) -> tuple[str, ...]:
    return (
        each.name,
        each.price,
        _ranged(each.people_through),
        f"{each.share_through.median:.1%}",
        short(each.waited_minutes.median),
        short(each.tries_per_photo.median),
        short(each.received_bytes.median / 1e12),
        each.binding,
    )


_HEAD = (
    "option",
    "what it is",
    "people past both photos",
    "of those who could",
    "minutes waited each",
    "tries a photo",
    "TB received",
    "short of",
)


def _options_section(result: PlanResult) -> Section:
    rows = [*result.options, *([result.planned] if result.planned is not None else [result.best])]
    return Section(
        "What could be done, and what it costs",
        (
            "Every option is simulated in the same worlds, so that they differ by what was changed and not by luck. In brackets the range "
            "of most worlds. Fewer upload places cost nothing to buy; they cost people more tries and the network more bytes, because a "
            "photo is refused after it has been sent.",
        ),
        tables=(Table(_HEAD, tuple(_row(each) for each in rows)),),
    )


def _needs_section(result: PlanResult) -> Section:
    rows = tuple((each.resource, _ranged(each.needed), each.unit, each.because) for each in result.needs)
    fixed = (
        ("civil registry", f"{result.registry_lookups_per_second:g}", "look-ups per second", "nobody waits longer than asked"),
        (
            "store bandwidth",
            f"{(result.store_bandwidth_bytes_per_second or 0) / 1e6:.3g}",
            "MB per second",
            "by bisection over simulated runs",
        ),
    )
    return Section("What the planned site needs", tables=(Table(("resource", "needed", "unit", "because"), fixed + rows),))


def _waiting_section(result: PlanResult) -> Section:
    rows = tuple((str(cores), short(minutes), "" if carried else "no: a line grows") for cores, minutes, carried in result.waiting)
    return Section(
        "One core less, one core more",
        ("Minutes that all people together wait for the API's cores, over the whole time.",),
        plot=Plot(
            "Waiting for cores",
            "API cores",
            "minutes of all people",
            (Curve("waited", tuple((float(cores), minutes) for cores, minutes, carried in result.waiting if carried)),),
        )
        if sum(carried for _, _, carried in result.waiting) > 1
        else None,
        tables=(Table(("API cores", "minutes waited in all", "carried"), rows),),
    )


def _sensitivity_section(result: PlanResult) -> Section:
    if not result.sensitivities:
        return Section("What would turn it around", ("Not asked: no site that was tried is enough.",))
    return Section(
        "What would turn it around",
        ("The planned site and the cheapest improvement, when one thing is otherwise than was thought.",),
        tables=(Table(_HEAD, tuple(_row(each) for each in result.sensitivities)),),
    )


def _assumptions_section() -> Section:
    names = {
        "registrations": "how many register",
        "uplink": "speed of the phones",
        "patience": "patience",
        "photo_bytes": "size of the photos",
        "retry_delay": "time between tries",
        "store": "true speed of the store",
    }
    rows = tuple((words, f"× or ÷ {1 + getattr(SIGMAS, name):.2f}") for name, words in names.items())
    assert set(names) == set(Inputs.__dataclass_fields__)
    return Section(
        "What is not known, and how it was drawn",
        (
            f"A site is enough when it is in {ENOUGH_WORLDS_RATIO:.0%} of the worlds. The model and where it is wrong: docs/capacity.md.",
            "CPU of uploads is measured with photos as small as the calibration's; larger ones cost more.",
        ),
        tables=(Table(("input", "one standard deviation"), rows),),
    )
