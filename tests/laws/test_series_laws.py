"""Keeping only what changed loses nothing: any pages come back as if every value of every scrape had been kept."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from gelombang.series_file import SeriesWriter, Source, read_series, samples
from gelombang.telemetry import Side

SOURCES = [Source(Side.SERVER, "server-0"), Source(Side.GENERATOR, "generator-0")]
NAMES = ('a_total{x="1"}', 'a_total{x="2"}', "b", 'c_bucket{le="+Inf"}')
PAGES = st.lists(
    st.tuples(
        st.sampled_from((0, 1)), st.none() | st.dictionaries(st.sampled_from(NAMES), st.floats(allow_nan=False), min_size=1, max_size=4)
    ),
    max_size=12,
)


@given(PAGES)
def test_any_pages_come_back_whole(pages: list[tuple[int, dict[str, float] | None]]) -> None:
    """A process never takes a series back (Prometheus clients keep them), so a series that a page lacks keeps its value."""
    wanted: list[dict[str, list[tuple[int, float]]]] = [{}, {}]
    now: list[dict[str, float]] = [{}, {}]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        with path.open("wb") as file:
            writer = SeriesWriter(file, SOURCES, 0.0)
            for t_us, (number, page) in enumerate(pages):
                if page is None:
                    writer.miss(number, t_us)
                    continue
                now[number] |= page
                for name, value in now[number].items():
                    wanted[number].setdefault(name, []).append((t_us, value))
                writer.take(number, t_us, 1, "".join(f"{name} {value}\n" for name, value in page.items()).encode())
        run = read_series(path)
    for number, source in enumerate(SOURCES):
        found = {s.name: list(samples(s, run.scrapes_us[source])) for s in run.series if s.source == source}
        assert found == wanted[number]
        assert list(run.missed_us[source]) == [t_us for t_us, (who, page) in enumerate(pages) if who == number and page is None]
