"""What the edge's log says about who was sent where, when one of two hosts is away."""

from pathlib import Path

import pytest

from gelombang.attempt_id import AttemptId
from tests.support.topology.proxy import Behind, configuration, read_log

RUN, HOSTS = 77, ["server-1", "server-2"]
MOMENT_US = 1_795_719_402_050_000
"""26 November 2026, 18:56:42.050, UTC."""


def line(backend: str, server: str, status: int = 200, took: int = 16, retries: str = "0", run: int = RUN) -> str:
    trace = AttemptId(run, 5, 0, 2, 1).traceparent(1)
    return f"{trace} 26/Nov/2026:18:56:42.050 {took} {status} {backend} {server} {retries}\n"


def log(folder: Path, *lines: str) -> Path:
    path = folder / "haproxy.log"
    path.write_text("[WARNING]  (9351) : Server api/server-1 is DOWN\n" + "".join(lines))
    return path


@pytest.mark.parametrize(
    ("backend", "server", "host"),
    [
        ("api", "server-2", "server-2"),
        ("uploads", "server-1", "server-1"),
        ("server-1", "server-1", "server-1"),
        ("server-1", "<NOSRV>", "server-1"),
        ("api", "<NOSRV>", None),
    ],
)
def test_a_line_names_the_host_also_where_its_own_port_had_nobody(tmp_path: Path, backend: str, server: str, host: str | None) -> None:
    (sent,) = read_log(log(tmp_path, line(backend, server)), RUN, HOSTS)
    assert sent == (AttemptId(RUN, 5, 0, 2, 1), MOMENT_US, MOMENT_US + 16_000, 200, host, False)


def test_who_found_one_host_away_and_was_sent_on_to_the_other_is_told_apart(tmp_path: Path) -> None:
    found = list(read_log(log(tmp_path, line("api", "server-2", retries="+1"), line("api", "server-2", retries="0")), RUN, HOSTS))
    assert [each.sent_on for each in found] == [True, False]


def test_lines_of_checks_of_phones_and_of_other_runs_are_left(tmp_path: Path) -> None:
    phones = "- 26/Nov/2026:18:56:42.050 2000 200 harness server-1 0\n"
    assert not list(read_log(log(tmp_path, phones, line("api", "server-1", run=78)), RUN, HOSTS))


def test_a_request_that_never_ended_well_takes_no_time_back(tmp_path: Path) -> None:
    (sent,) = read_log(log(tmp_path, line("api", "server-1", status=-1, took=-1)), RUN, HOSTS)
    assert (sent.began_us, sent.ended_us) == (MOMENT_US, MOMENT_US)


def test_no_request_is_tied_to_a_host_but_a_photo_whose_ticket_was_given_there() -> None:
    hosts = [Behind(f"server-{k}", f"10.0.0.{k}:80", f"10.0.0.{k}:81", f"10.0.0.{k}:82") for k in (1, 2)]
    text = configuration(hosts, "10.0.0.9", "a token", Path("control"))
    assert "cookie" not in text
    assert "stick" not in text
    assert text.count("uri /readyz") == 4
    assert text.count("balance roundrobin") == 5
