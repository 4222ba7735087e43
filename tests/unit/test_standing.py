"""What the page in Locust's web UI tells, and what it keeps: standings that add up, and moments that do not become more and more."""

import zlib
from pathlib import Path

import pytest

from gelombang.attempt import Fate, Outcome, Phase
from gelombang.errors import HostError
from gelombang.histogram import Histogram
from gelombang.series_file import SERIES_FILE, read_series
from gelombang.steps import PhotoKind
from gelombang.telemetry import PAGE_BYTES_LIMITS, Side
from gelombang_loadtests.cluster_series import ClusterSeries
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.honesty import Counts
from gelombang_loadtests.people_page import MOMENTS_LIMIT, Moments, Shown, funnel, stages, told
from gelombang_loadtests.standing import Standing, by_outcome, standing_of, summed

SECOND = 1_000_000


def counts() -> GeneratorCounts:
    found = GeneratorCounts(("account", "ktp", "selfie"), photos={1: PhotoKind.KTP, 2: PhotoKind.SELFIE})
    found.ended(0, Outcome.OK, Phase.RECEIVE, 1_000, 10)
    found.passed[0] = 1
    found.ended(1, Outcome.TIMED_OUT, Phase.SEND, 1_000, 10)
    found.ended(1, Outcome.FAILED, Phase.RECEIVE, 1_000, 10)
    found.ended(2, Outcome.FAILED, Phase.RECEIVE, 1_000, 10)
    found.first_sent(2_000)
    return found


def standing(found: GeneratorCounts | None = None, t_us: int = SECOND) -> Standing:
    return standing_of(found or counts(), Counts(30, 29, 3, 7, 4, 40), {Fate.FINISHED: 4, Fate.OPEN: 9, Fate.CUT: 0}, t_us)


def shown(now: Standing, run_id: str = "a-run") -> Shown:
    return Shown(run_id, "The opening hour", "http://127.0.0.1:1", "running", 40, 60.0, now)


def test_a_process_tells_people_fates_steps_and_where_attempts_ended() -> None:
    now = standing()
    assert (now.offered, now.started, now.in_flight, now.waiting, now.sent_bytes) == (30, 29, 3, 7, 40)
    assert now.fates == {"finished": 4}
    assert now.passed == {"account": 1, "ktp": 0, "selfie": 0}
    assert now.ended["ktp"] == {"send": {"timed_out": 1}, "receive": {"failed": 1}}
    assert now.photos == ("ktp", "selfie")
    assert now.late.max_us == 2_000


def test_a_journey_that_shows_its_steps_as_it_goes_tells_only_those_it_has() -> None:
    found = GeneratorCounts([f"step-{i}" for i in range(24)])
    found.name_step(0, "get-items")
    assert standing_of(found, Counts(1, 1, 1, 0, 0, 0), {}, SECOND, steps=1).passed == {"get-items": 0}


def test_what_two_processes_tell_adds_up_and_the_order_of_the_journey_stays() -> None:
    both = summed([standing(), standing(t_us=3 * SECOND)])
    assert (both.t_us, both.started, both.waiting) == (3 * SECOND, 58, 14)
    assert both.passed == {"account": 2, "ktp": 0, "selfie": 0}
    assert list(both.ended) == ["account", "ktp", "selfie"]
    assert by_outcome(both)["ktp"] == {"timed_out": 2, "failed": 2}
    assert both.photos == ("ktp", "selfie")
    assert both.late.samples == 2


def test_what_a_pulse_carries_comes_back_the_same() -> None:
    assert Standing.model_validate(standing().model_dump()) == standing()


def test_the_funnel_counts_people_and_attempts_and_what_was_not_ok() -> None:
    assert funnel(standing()) == [("account", 1, 1, 0), ("ktp", 0, 2, 2), ("selfie", 0, 1, 1)]


def test_uploads_are_those_of_photo_steps_and_without_one_all_requests_are_shown() -> None:
    assert stages(standing()) == {"send": {"timed_out": 1}, "receive": {"failed": 2}}
    assert told(shown(standing()))["what"] == "uploads"
    plain = standing().model_copy(update={"photos": ()})
    assert stages(plain)["receive"] == {"ok": 1, "failed": 2}
    assert told(shown(plain))["what"] == "requests"


def test_a_reader_is_told_what_it_has_not_had_and_lateness_is_of_those_who_began_since() -> None:
    moments, found = Moments(), counts()
    moments.add(shown(standing(found)))
    found.first_sent(500_000)
    moments.add(shown(standing(found, 2 * SECOND)))
    moments.add(shown(standing(found, 2 * SECOND)))
    first, second = moments.after(0)
    assert first[:2] == (1, 1.0)
    assert first[7] == pytest.approx(2_000, rel=0.01)
    assert second[7] == pytest.approx(500_000, rel=0.01)
    assert moments.after(1) == [second]
    moments.add(shown(standing(found, 3 * SECOND)))
    assert moments.after(2)[0][7] is None, "nobody began in that second"


def test_before_the_runs_zero_there_is_no_moment_and_another_run_begins_anew() -> None:
    moments = Moments()
    moments.add(shown(standing(t_us=-SECOND)))
    assert moments.after(0) == []
    moments.add(shown(standing(t_us=5 * SECOND)))
    moments.add(shown(standing(t_us=SECOND), run_id="another"))
    assert [row[:2] for row in moments.after(0)] == [(1, 1.0)]


def test_moments_do_not_become_more_than_their_limit_and_reach_back_to_the_beginning() -> None:
    moments, now = Moments(), Standing(started=1)
    for second in range(1, 3 * MOMENTS_LIMIT):
        moments.add(shown(now.model_copy(update={"t_us": second * SECOND})))
    rows = moments.after(0)
    assert MOMENTS_LIMIT // 2 <= len(rows) <= MOMENTS_LIMIT
    assert rows[0][1] == 1.0
    assert rows[-1][0] == 3 * MOMENTS_LIMIT - 1


def test_the_durations_since_an_earlier_histogram_are_those_that_were_added() -> None:
    earlier, later = Histogram.of([10, 20_000]), Histogram.of([10, 20_000])
    later.add(300)
    since = later.since(earlier)
    assert (since.samples, since.quantile_us(0.5)) == (1, pytest.approx(300, rel=0.01))
    assert later.since(later).quantile_us(0.99) is None


def page(started: int) -> bytes:
    return zlib.compress(f"# HELP x\ngelombang_generator_arrivals_started_total {started}.0\n".encode())


def test_pages_of_workers_become_series_and_a_silent_worker_is_missed_once_a_second(tmp_path: Path) -> None:
    series = ClusterSeries(tmp_path, 2, 1_000.0)
    for second in (1, 2):
        series.take(0, second * SECOND, page(second), last=False)
        series.take(1, second * SECOND, page(9), last=second == 2)
    for tenth in range(20, 56):
        series.look(tenth * SECOND // 10)
    series.gone(0)
    series.look(60 * SECOND)
    series.close()
    kept = read_series(tmp_path / SERIES_FILE)
    first, second_ = kept.sources
    assert (first.instance, second_.instance) == ("generator-0", "generator-1")
    assert [(s.source.instance, s.values) for s in kept.series] == [("generator-0", [1.0, 2.0]), ("generator-1", [9.0])]
    assert kept.missed_us[first] == [4 * SECOND, 5 * SECOND]
    assert kept.missed_us[second_] == [], "its last page was there"


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [(b"no page", "can't be unpacked"), (zlib.compress(b"x" * (PAGE_BYTES_LIMITS[Side.GENERATOR] + 1)), "of more than 400,000 bytes")],
)
def test_what_is_no_page_is_refused_in_a_sentence(tmp_path: Path, sent: bytes, sentence: str) -> None:
    series = ClusterSeries(tmp_path, 1, 0.0)
    with pytest.raises(HostError, match=f"worker 0 sends metrics .*{sentence}|worker 0 sends metrics {sentence}"):
        series.take(0, SECOND, sent, last=False)
    series.close()
