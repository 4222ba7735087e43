"""The preflight, for people: some lines in a terminal, and one HTML file that a security officer can read and keep.

The page stands alone as a run's page does: no network, no script, no second file. All texts are escaped.
"""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gelombang.errors import HostError
from gelombang.preflight import Preflight
from gelombang.stops import STOP_FILE, rule_words
from gelombang.target import RUN_HEADER
from gelombang_reports.figures import PAGE_FIGURES, TEXT_FIGURES, Figures
from gelombang_reports.texts import ENGLISH, Texts

Row = tuple[str, str, str]
"""What, how much, and what is allowed."""


def write_preflight_page(preflight: Preflight, path: Path, texts: Texts = ENGLISH) -> None:
    """Write the page. Raises HostError when the disk refuses."""
    try:
        path.write_text(render_preflight(preflight, texts), encoding="utf-8")
    except OSError as error:
        raise HostError(f"{path} can't be written ({error.strerror}); want a folder that exists and has room") from error


def render_preflight(preflight: Preflight, texts: Texts = ENGLISH) -> str:
    """The page as text."""
    style = files("gelombang_reports").joinpath("assets", "page.css").read_text(encoding="utf-8").strip()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    environment = Environment(
        loader=PackageLoader("gelombang_reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("preflight.html.j2").render(
        p=preflight,
        t=texts,
        fig=PAGE_FIGURES,
        rows=rows(preflight, PAGE_FIGURES),
        rules=[rule_words(rule) for rule in preflight.stops],
        stop_file=STOP_FILE,
        run_header=RUN_HEADER,
        style=Markup(style),
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'sha256-{digest}'",
    )


def preflight_lines(preflight: Preflight) -> list[str]:
    """The same facts for a terminal."""
    block, lines = preflight.block, []
    for name, value, allowed in rows(preflight, TEXT_FIGURES):
        lines.append(f"  {name:<26} {value:>16}" + (f"   allowed: {allowed}" if allowed else ""))
    for host in preflight.hosts:
        lines.append(f"  {'host':<26} {host.host}: {', '.join(host.addresses) or host.problem}")
    if preflight.certificate is not None:
        lines.append(f"  {'certificate':<26} {certificate_words(preflight)}")
    if block is not None:
        lines.append(f"  {'owner':<26} {block.owner}; {block.authorisation}; {block.contact}")
        lines.append(f"  {'window':<26} {block.window.begins} to {block.window.until}")
    else:
        lines.append(f"  {'owner':<26} no [target] block: this machine only")
    for step in preflight.steps:
        lines.append(f"  {'one person: ' + step.step:<26} {step.outcome:>16}   {step.requests} requests, {step.seconds:.2f} s")
    lines.append(f"  {'one person came to':<26} {preflight.fate:>16}   {preflight.reason}")
    return [_plain(line) for line in [*lines, *(f"  REFUSED: {breach}" for breach in preflight.breaches)]]


def rows(preflight: Preflight, figures: Figures) -> list[Row]:
    """What the run would do, beside what its target's block allows."""
    p, block = preflight, preflight.block
    return [
        ("people", figures.count(p.people), figures.count(block.max_people) if block else ""),
        (
            "arrivals per second, peak",
            f"{p.peak_arrivals_per_second:.4g}",
            f"{block.max_arrivals_per_second:.4g}" if block else "",
        ),
        ("bytes sent", figures.count(p.bytes_sent), figures.count(block.max_bytes) if block else ""),
        ("requests", figures.count(p.requests), ""),
        ("requests per second, peak", f"{p.peak_requests_per_second:.4g}", ""),
        ("mails and SMS", figures.count(p.messages), ""),
        ("accounts and their data", figures.count(p.accounts), ""),
        ("arrivals last, seconds", figures.count(round(p.arrivals_wall_seconds)), ""),
    ]


def certificate_words(preflight: Preflight) -> str:
    """The certificate in one line."""
    shown = preflight.certificate
    assert shown is not None
    if shown.problem:
        return shown.problem
    return f"{shown.subject}, by {shown.issuer}, until {shown.valid_until} ({shown.days_left} days), {shown.protocol}"


def _plain(words: str) -> str:
    return "".join(c if c.isprintable() else " " for c in words)
