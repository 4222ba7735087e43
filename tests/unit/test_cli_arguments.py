"""What the command line accepts, and the sentences it refuses with."""

import argparse
from fractions import Fraction
from pathlib import Path

import pytest

from gelombang.errors import InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.scale import Scale, roundings
from gelombang_cli.arguments import add_scale_options, positive, read_scale, read_target, size_bytes
from gelombang_cli.doctor import examine
from gelombang_cli.machine import Look, choose_sample
from gelombang_cli.main import main
from gelombang_cli.runfolder import make_run_folder
from tests.support.own_service import own_scenario, target_block


def _parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_scale_options(parser)
    return parser.parse_args(words)


def _never() -> Fraction:
    raise AssertionError("the machine was looked at although the sample was given")


def test_a_sample_above_one_is_refused_with_the_fraction_probably_meant() -> None:
    with pytest.raises(InputError, match="did you mean 1/5000"):
        read_scale(_parsed("--sample", "5000"), load_scenario("smoke"), _never)


def test_the_scale_of_the_command_line_wins_over_the_scenario() -> None:
    scale = read_scale(_parsed("--sample", "1/100", "--speed", "22", "--bytes", "0.04"), load_scenario("smoke"), _never)
    assert scale == Scale(Fraction(1, 100), 22.0, 0.04, 1.0)


def test_an_auto_sample_asks_the_machine() -> None:
    assert read_scale(_parsed("--sample", "auto"), load_scenario("smoke"), lambda: Fraction(1, 37)).sample == Fraction(1, 37)


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_a_number_that_must_be_positive_is(value: float) -> None:
    with pytest.raises(InputError, match="--speed is"):
        positive("--speed", value)


def test_a_target_off_this_machine_needs_its_owner() -> None:
    with pytest.raises(InputError, match=r"--i-own-this-target staging\.example"):
        read_target("https://staging.example/", None)
    with pytest.raises(InputError, match=r"staging\.example"):
        read_target("https://staging.example/", "other.example")
    assert read_target("https://staging.example/", "staging.example") == "https://staging.example"
    assert read_target("http://127.0.0.1:8080/", None) == "http://127.0.0.1:8080"


@pytest.mark.parametrize("command", ["try", "preflight", "run"])
@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("", "the target is 192.0.2.1, which is not this machine; want a [target] block in the scenario"),
        (target_block(), "--target is 192.0.2.1; want one of [target] allowed_hosts: 127.0.0.1"),
    ],
)
def test_nobody_is_sent_off_this_machine_without_a_block_that_allows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, block: str, said: str
) -> None:
    scenario = own_scenario(tmp_path / "own.toml", block)
    words = [command, str(scenario), "--target", "http://192.0.2.1:9", "--i-own-this-target", "192.0.2.1"]
    assert main(words) == 2
    assert said in capsys.readouterr().err
    assert main(words[:-2]) == 2
    assert "--i-own-this-target 192.0.2.1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "site.example"], "--host is 'site.example'; want an IPv4 address such as 10.0.0.5"),
        (["--site-url", "site.example"], "--site-url is 'site.example'; want http://HOST:PORT or https://HOST, without a path"),
        (["--uploads-url", "http://site.example/up"], "--uploads-url is 'http://site.example/up'; want http://HOST:PORT"),
        (["--run-number", "0"], "--run-number is 0; want 1 to 1099511627775"),
    ],
)
def test_an_address_of_a_site_on_several_hosts_that_cant_be_used_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["serve", "--out", str(tmp_path / "site"), *words]) == 2
    assert said in capsys.readouterr().err


def test_photos_at_their_full_size_want_ten_times_the_disk(tmp_path: Path) -> None:
    small, full = (next(f for f in examine(1_000_000, ratio, tmp_path) if f.name == "disk free").wanted for ratio in (0.1, 1.0))
    assert (small, full) == (
        "39.2 GB for 1,000,000 people, or a bound: run --keep-bytes SIZE",
        "354.2 GB for 1,000,000 people, or a bound: run --keep-bytes SIZE",
    )


def test_a_bound_on_the_photos_is_what_the_disk_needs_beside_ledgers_and_database(tmp_path: Path) -> None:
    bound, below = (
        next(f for f in examine(1_000_000, 0.1, tmp_path, keep_bytes=keep) if f.name == "disk free").wanted
        for keep in (20_000_000_000, 90_000_000_000)
    )
    assert bound.startswith("24.2 GB")
    assert below.startswith("39.2 GB"), "a bound that is never reached asks for nothing"


def test_a_run_at_full_size_wants_more_of_the_machine_and_is_told_how(tmp_path: Path) -> None:
    few, many = ({f.name: f.wanted for f in examine(people, 0.04, tmp_path, at_once=people // 100)} for people in (8_000, 1_432_133))
    assert few["open files"] == "4,096: ulimit -n 4096"
    assert many["open files"] == "14,521: ulimit -n 14521"
    assert few["accept queue"] == "1,024: sysctl net.core.somaxconn=1024"
    assert many["accept queue"] == "4,096: sysctl net.core.somaxconn=4096"
    assert many["client ports"] == '50,000 of them for a site on another machine: sysctl net.ipv4.ip_local_port_range="10000 60000"'
    assert many["ports used again"].endswith("sysctl net.ipv4.tcp_tw_reuse=2")
    assert many["memory free"].startswith("4.0 GB for 1,432,133 people")


@pytest.mark.parametrize(("text", "found"), [("20G", 20_000_000_000), ("1.5m", 1_500_000), ("2000000", 2_000_000)])
def test_a_size_is_a_number_and_a_letter(text: str, found: int) -> None:
    assert size_bytes("--keep-bytes", text, 1_000_000) == found


@pytest.mark.parametrize("text", ["", "G", "20X", "-3G", "nan", "inf", "999K"])
def test_a_size_that_is_none_or_too_small_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="want a size of 1,000,000 bytes or more, such as 20G or 500M"):
        size_bytes("--keep-bytes", text, 1_000_000)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target", "http://127.0.0.1:9"], "--keep-bytes is given with --target"),
        (["--database", "postgresql://a@127.0.0.1/b"], "keeps people or photos by URL"),
        (["--keep-bytes", "1K"], "--keep-bytes is '1K'; want a size"),
    ],
)
def test_a_bound_is_for_photos_on_this_machines_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["run", "smoke", "--keep-bytes", "20G", "--out", str(tmp_path / "run"), *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("target", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", ""])
def test_a_target_that_is_no_url_is_refused(target: str) -> None:
    with pytest.raises(InputError, match="want a URL"):
        read_target(target, None)


@pytest.mark.parametrize(("cores", "idle", "speed", "expected"), [(1, 0.1, 0.5, "1/50"), (64, 1.0, 2.0, "1/20")])
def test_the_sample_stays_within_what_the_scenario_allows(cores: int, idle: float, speed: float, expected: str) -> None:
    from gelombang_cli.machine import REFERENCE_LOOPS_PER_SECOND

    sample, why = choose_sample(load_scenario("opening-hour"), [], Look(cores, idle, speed * REFERENCE_LOOPS_PER_SECOND, 1_000.0), 60.0)
    assert sample == Fraction(expected)
    assert f"sample {expected}" in why


def test_a_busier_machine_gets_a_smaller_sample() -> None:
    from gelombang_cli.machine import REFERENCE_LOOPS_PER_SECOND

    scenario = load_scenario("opening-hour").model_copy()
    idle, _ = choose_sample(scenario, [], Look(4, 1.0, REFERENCE_LOOPS_PER_SECOND, 1_000.0), 60.0)
    busy, _ = choose_sample(scenario, [], Look(4, 0.5, REFERENCE_LOOPS_PER_SECOND, 1_000.0), 60.0)
    assert busy < idle


def test_a_sample_that_would_round_a_limit_coarsely_gives_way_to_a_smaller_one() -> None:
    """1/42 of 100 turns at the store are 2.38: 2 would be another site, 1/50 of them are 2."""
    from gelombang_cli.machine import REFERENCE_LOOPS_PER_SECOND

    seen = Look(2, 1.0, 1.5 * REFERENCE_LOOPS_PER_SECOND, 1_000.0)
    scenario, profiles = load_scenario("opening-hour"), [load_profile("april-2020"), load_profile("hardened")]
    assert choose_sample(scenario, [], seen, 60.0)[0] == Fraction(1, 42)
    sample, why = choose_sample(scenario, profiles, seen, 60.0)
    assert sample < Fraction(1, 42)
    assert all(each.error_ratio <= 0.1 for profile in profiles for each in roundings(profile, Scale(sample, 60.0, 0.1)))
    assert f"sample {sample}: " in why
    assert f"; {sample} is the next that the sites' limits can be scaled to" in why


def test_a_count_that_can_be_scaled_well_is_and_the_upload_places_of_april_2020_stay_in_proportion() -> None:
    """1/46 of 720 are 15.65, and 16 of them would let fewer people through; 1/48 are 15."""
    from gelombang_cli.machine import REFERENCE_LOOPS_PER_SECOND

    seen = Look(2, 1.0, 1.36 * REFERENCE_LOOPS_PER_SECOND, 1_000.0)
    scenario, profiles = load_scenario("opening-hour"), [load_profile("april-2020"), load_profile("hardened")]
    assert choose_sample(scenario, [], seen, 60.0)[0] == Fraction(1, 46)
    assert choose_sample(scenario, profiles, seen, 60.0)[0] == Fraction(1, 48)


def test_an_earlier_run_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(InputError, match="not empty"):
        make_run_folder(tmp_path, "id", "hardened", several=False)
    assert make_run_folder(tmp_path, "id", "hardened", several=True) == tmp_path / "hardened"
