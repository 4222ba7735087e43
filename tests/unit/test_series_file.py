"""The kept series of a run: what was scraped comes back, and what is wrong with a file is said in words."""

import io
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gelombang.errors import RecordError
from gelombang.openmetrics import family_of, openmetrics_lines
from gelombang.series_file import RunSeries, Series, SeriesWriter, Source, read_series, samples
from gelombang.telemetry import SERIES_LIMITS, Side

SERVER, GENERATOR = Source(Side.SERVER, "server-0"), Source(Side.GENERATOR, "generator-0")
ZERO_AT = 1_586_592_000.0
SECOND = 1_000_000


def page(shed: float, *more: str) -> bytes:
    lines = [
        "# HELP gelombang_server_shed_total Answers.",
        "# TYPE gelombang_server_shed_total counter",
        f'gelombang_server_shed_total{{code="uploads_busy"}} {shed}',
        "gelombang_server_speed_ratio 60.0",
    ]
    return "\n".join([*lines, *more, ""]).encode()


def kept(folder: Path) -> RunSeries:
    """Three scrapes of a server, one missed, one new series at the second; one scrape of a generator."""
    with (folder / "metrics.jsonl").open("wb") as file:
        writer = SeriesWriter(file, [SERVER, GENERATOR], ZERO_AT)
        writer.take(0, -SECOND, 3_000, page(0.0))
        writer.take(1, -SECOND, 2_000, b"gelombang_generator_people_waiting 5.0\n")
        writer.take(0, 0, 3_000, page(2.0, 'gelombang_server_requests_total{route="join",status="201"} 1.0'))
        writer.miss(0, SECOND)
        writer.take(0, 2 * SECOND, 4_000, page(2.0, 'gelombang_server_requests_total{route="join",status="201"} 1.0'))
    return read_series(folder / "metrics.jsonl")


def over_time(run: RunSeries, name: str) -> list[tuple[int, float]]:
    (series,) = (series for series in run.series if series.name == name)
    return list(samples(series, run.scrapes_us[series.source]))


def test_a_series_has_a_value_at_each_answered_scrape_from_its_first_on(tmp_path: Path) -> None:
    run = kept(tmp_path)
    shed = 'gelombang_server_shed_total{code="uploads_busy"}'
    assert over_time(run, shed) == [(-SECOND, 0.0), (0, 2.0), (2 * SECOND, 2.0)]
    assert over_time(run, "gelombang_server_speed_ratio") == [(-SECOND, 60.0), (0, 60.0), (2 * SECOND, 60.0)]
    assert over_time(run, 'gelombang_server_requests_total{route="join",status="201"}') == [(0, 1.0), (2 * SECOND, 1.0)]
    assert (run.missed_us[SERVER], run.missed_us[GENERATOR]) == ([SECOND], [])
    assert run.took_us[SERVER] == [3_000, 3_000, 4_000]


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    kept(tmp_path)
    last = (tmp_path / "metrics.jsonl").read_text().splitlines()[-1]
    assert last == '{"source":0,"t_us":2000000,"took_us":4000,"new":[],"places":[],"values":[]}'


def test_the_text_for_prometheus_is_whole_openmetrics_with_the_moments_of_the_run(tmp_path: Path) -> None:
    text = "\n".join(openmetrics_lines(kept(tmp_path))) + "\n"
    families = {family.name: family for family in text_string_to_metric_families(text)}
    shed = families["gelombang_server_shed"]
    assert shed.type == "counter"
    labels = {"code": "uploads_busy", "job": "gelombang-server", "instance": "server-0"}
    assert [(s.name, s.labels, s.value, float(s.timestamp)) for s in shed.samples] == [
        ("gelombang_server_shed_total", labels, value, ZERO_AT + at) for at, value in ((-1, 0.0), (0, 2.0), (2, 2.0))
    ]
    ups = [(s.labels["instance"], s.value, float(s.timestamp) - ZERO_AT) for s in families["up"].samples]
    assert ups == [("server-0", 1, -1), ("server-0", 1, 0), ("server-0", 0, 1), ("server-0", 1, 2), ("generator-0", 1, -1)]
    assert [s.value for s in families["scrape_duration_seconds"].samples] == [0.003, 0.003, 0.004, 0.002]


def test_a_histogram_is_told_point_by_point(tmp_path: Path) -> None:
    with (tmp_path / "metrics.jsonl").open("wb") as file:
        writer = SeriesWriter(file, [SERVER], ZERO_AT)
        for second in range(3):
            parts = [f'gelombang_server_sync_seconds_bucket{{le="{le}",target="file"}} {second}.0' for le in ("0.1", "+Inf")]
            parts += [f'gelombang_server_sync_seconds_{part}{{target="file"}} {second}.0' for part in ("count", "sum")]
            writer.take(0, second * SECOND, 1, "\n".join(parts).encode())
    lines = [line for line in openmetrics_lines(read_series(tmp_path / "metrics.jsonl")) if line.startswith("gelombang_server_sync")]
    assert [line.rpartition(" ")[2] for line in lines] == ["1586592000.000"] * 4 + ["1586592001.000"] * 4 + ["1586592002.000"] * 4
    assert lines[4] == (
        'gelombang_server_sync_seconds_bucket{le="0.1",target="file",job="gelombang-server",instance="server-0"} 1.0 1586592001.000'
    )


def test_two_scrapes_in_one_millisecond_give_one_sample(tmp_path: Path) -> None:
    with (tmp_path / "metrics.jsonl").open("wb") as file:
        writer = SeriesWriter(file, [SERVER], ZERO_AT)
        writer.take(0, 1_000, 1, b"gelombang_server_speed_ratio 1.0\n")
        writer.take(0, 1_200, 1, b"gelombang_server_speed_ratio 2.0\n")
    lines = [line for line in openmetrics_lines(read_series(tmp_path / "metrics.jsonl")) if line.startswith("gelombang_")]
    assert len(lines) == 1


@pytest.mark.parametrize(("every_seconds", "moments"), [(1, list(range(10))), (3, [0, 3, 6, 9]), (4, [0, 4, 8]), (60, [0])])
def test_a_longer_interval_takes_the_scrapes_that_it_would_have_made(every_seconds: int, moments: list[int]) -> None:
    series = Series("x", SERVER, [0, 4 * SECOND], [1.0, 2.0])
    jittered = [second * SECOND + second % 3 * 1_000 for second in range(10)]
    found = list(samples(series, jittered, every_seconds * SECOND))
    assert [round(t_us / SECOND) for t_us, _ in found] == moments
    assert [value for _, value in found] == [1.0 if moment < 4 else 2.0 for moment in moments]


def test_a_name_belongs_to_its_family_and_a_histograms_parts_to_theirs() -> None:
    assert family_of('gelombang_server_sync_seconds_bucket{le="1.0"}') == "gelombang_server_sync_seconds"
    assert family_of("gelombang_server_sync_seconds_sum") == "gelombang_server_sync_seconds"
    assert family_of('gelombang_server_shed_total{code="x"}') == "gelombang_server_shed_total"


def test_a_process_with_more_series_than_any_may_have_is_refused() -> None:
    writer = SeriesWriter(io.BytesIO(), [SERVER], ZERO_AT)
    limit = SERIES_LIMITS[Side.SERVER]
    writer.take(0, 0, 1, b"\n".join(b"x%d 1" % n for n in range(limit)))
    with pytest.raises(RecordError, match=f"more than {limit} series"):
        writer.take(0, 1, 1, b"one_more 1")


def test_a_last_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    kept(tmp_path)
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    assert read_series(path).scrapes_us[SERVER] == [-SECOND, 0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [], "is empty"),
        (lambda lines: ['{"schema_version":7}', *lines[1:]], "1 is .* want the head"),
        (lambda lines: [*lines[:2], "{}", *lines[2:]], "3 is no scrape"),
        (lambda lines: [lines[0], lines[1].replace('"source":0', '"source":5')], "2 is no scrape"),
        (lambda lines: [lines[0], lines[1].replace('"places":[0', '"places":[99')], "2 is no scrape"),
    ],
)
def test_a_broken_file_says_where(tmp_path: Path, change: object, said: str) -> None:
    kept(tmp_path)
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))
    with pytest.raises(RecordError, match=said):
        read_series(path)


def test_a_run_without_series_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="want the series that a run kept"):
        read_series(tmp_path / "metrics.jsonl")
