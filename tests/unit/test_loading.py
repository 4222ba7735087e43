"""Reading scenarios and profiles: by path or name, extended, changed, and with all their faults at once."""

import re
from pathlib import Path

import pytest

from gelombang.curve import read_curve
from gelombang.distribution import Fixed, Lognormal
from gelombang.errors import FileError, InputError
from gelombang.loading import load_profile, load_scenario, require_secrets
from gelombang.resources import dashboards_folder, locustfiles_folder, profiles_folder, scenarios_folder
from gelombang.settings import put_setting
from tests.support.scenario_files import extending, faults_of, scenario_file

DATA = Path(__file__).parent.parent / "data"


@pytest.mark.parametrize("name", ["smoke", "opening-hour", "short-wave", "surge-2020"])
def test_every_scenario_that_comes_along_has_no_faults(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    curve = None if scenario.arrivals.phases else read_curve(scenarios_folder() / "curves" / "prakerja-2020.csv")
    assert scenario.arrivals.rows == curve


@pytest.mark.parametrize("name", ["april-2020", "hardened"])
def test_every_profile_that_comes_along_has_no_faults(name: str) -> None:
    assert load_profile(name).name == name


def test_a_path_does_as_well_as_a_name() -> None:
    assert load_scenario(scenarios_folder() / "smoke.toml") == load_scenario("smoke")
    assert load_profile(profiles_folder() / "hardened.toml") == load_profile("hardened")


def test_the_folders_that_come_along_are_there() -> None:
    assert (scenarios_folder() / "curves").is_dir()
    assert locustfiles_folder().is_dir()
    assert (dashboards_folder() / "grafana").is_dir()


def test_a_file_that_is_not_there_is_one_sentence_with_what_was_meant() -> None:
    with pytest.raises(InputError, match=r"scenario smok is neither a file nor a name that comes along; want a path, or smoke"):
        load_scenario("smok")
    with pytest.raises(InputError, match=r"want a path, or hardened \(did you mean that\?\)"):
        load_profile("hardend.toml")


# What is wrong with the broken example: each of its faults, once.
BROKEN = [
    "name is 'Broken Scenario'; want a name of lower-case letters",
    "opens_at is '11 April 2020'; want a moment with its zone",
    "profiles[0] is 'april-2002'; want a profile: april-2020 (did you mean that?)",
    "drain_seconds is -5.0; want 0 or more",
    "colour is a key that nobody reads; want one of",
    "arrivals.curve: broken-curve.csv: line 1 is 'seconds,registrations'; want the header",
    "arrivals.curve: broken-curve.csv: line 3 is rate -3.0; want 0 or more",
    "arrivals.curve: broken-curve.csv: line 5 is time 120, repeated; want times that rise",
    "arrivals.curve: broken-curve.csv: line 6 is time 90, before the one above it; want times that rise",
    "arrivals.curve: broken-curve.csv: line 7 is rate 'many'; want a number",
    "arrivals.curve: broken-curve.csv: line 9 is time 3600, after a gap of 3360 s; want at most 1500 s",
    "people.nik_known_ratio is 74.4; want 1 or less",
    "people.line.uplink_bytes_per_second is median -1 with sigma 1; want a median above 0",
    "people.line.fixed_round_trip_seconds is low 0.02 with high 0.01; want 0 or more, low not above high",
    "patience.page_seconds is 12.0; want a table such as { value = 30.0 }",
    "patience.persist_ratio is missing; want a value: Probability of trying again",
    "patience.persist_tries is 2.5; want a whole number",
    "patience.persist_ration is a key that nobody reads; want persist_ratio",
    "journey[0].method (step account) is 'POTS'; want POST (did you mean that?)",
    "journey[0].on.conflict (step account) is 'step:log-in'; want a step of this journey: login",
    "journey[0].body.json.email (step account) is {emial}; want a field of the person or an earlier capture: email",
    "journey[1].on.too_large (step email) is what never happens here; want an outcome that a message can have",
    "journey[1].inbox (step email) is 'imap'; want an inbox: one of harness",
    "journey[2].headers.authorization (step data) is {session}, captured on no way",
    "journey[2].body.tus.chunck_bytes (step data) is a key that nobody reads; want chunk_bytes (did you mean that?)",
    "journey[3].photo (step selfie) is 'selfie'; want a photo that people.photos describes: ktp",
    "journey[4].form (step data) is 'upload'; want one of 'request', 'message', 'photo'",
    "journey[4].step (step data) is 'data', the name of journey[2] too; want a name of its own",
    "journey[5].on.ok (step join) is 'finished'; want fate:finished (did you mean that?)",
    "journey[6].capture.session (step login) is given 0 ways (none); want exactly one",
    "journey[6].step (step login) is 'login', which no step leads to; want a step that some outcome leads to",
    "objective[0] is without at_least and at_most; want at least one limit",
    "objective[0].step[0] is 'ktp'; want a step of this journey",
    "objective[1] is response_seconds with quantile None; want one with a measure in seconds",
    "expect.hardend is 'hardend'; want a profile: hardened (did you mean that?)",
]


def test_every_fault_of_the_broken_example_is_named_once_and_nothing_else() -> None:
    found = faults_of(DATA / "broken.toml")
    assert [[text for text in found if text.startswith(wanted)] for wanted in BROKEN if sum(t.startswith(wanted) for t in found) != 1] == []
    assert len(found) == len(BROKEN)


def test_faults_stand_in_the_order_of_the_file() -> None:
    tables = [text.split(".")[0].split("[")[0].split(" ")[0] for text in faults_of(DATA / "broken.toml")]
    seen = list(dict.fromkeys(tables))
    wanted = ["name", "opens_at", "profiles", "drain_seconds", "colour", "arrivals", "people", "patience", "journey", "objective", "expect"]
    assert seen == wanted


def test_every_fault_names_the_file_and_the_line_in_which_it_stands() -> None:
    path = DATA / "broken.toml"
    with pytest.raises(FileError) as caught:
        load_scenario(path)
    text = path.read_text().splitlines()
    lines = [fault.line for fault in caught.value.faults]
    assert str(caught.value).splitlines() == [f"{path}:{fault.line}: {fault}" for fault in caught.value.faults]
    assert lines == sorted(lines)
    for fault in caught.value.faults:
        keys = [key for key in re.split(r"[.\[\]:]+", fault.where.split(" ")[0]) if key and not key.isdecimal()]
        # The line has the last key that stands there; where one is missing, the table that wants it.
        assert any(key in text[fault.line - 1] for key in keys), fault


def test_a_missing_key_is_shown_at_its_table(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        load_scenario(
            scenario_file(tmp_path, '# mine\nextends = "opening-hour"\n\n[people.photos.ktp]\nfirst_bytes = 3\n\n[[stop]]\nname = "x"\n')
        )
    assert sorted({(fault.source, fault.line) for fault in caught.value.faults}) == [
        (str(tmp_path / "mine.toml"), 5),
        (str(tmp_path / "mine.toml"), 7),
    ]


def test_a_fault_of_an_extended_file_names_that_file_and_its_line(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('extends = "opening-hour"\n\n[patience]\nreturn_ratio = 3\n')
    with pytest.raises(FileError) as caught:
        load_scenario(scenario_file(tmp_path, 'extends = "base.toml"\n[patience]\nattempts_limit = 0\n'))
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'mine.toml'}:3: patience.attempts_limit is 0; want more than 0",
        "base.toml:4: patience.return_ratio is 3; want 1 or less",
    ]


def test_a_fault_of_a_change_names_the_line_of_the_change(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        load_scenario(extending(tmp_path, '[change]\n"journey.test.think_seconds" = { valeu = 5.0 }\n"journey.ktp.milestone" = 7\n'))
    assert [fault.line for fault in caught.value.faults] == [3, 3, 4]


def test_a_secret_that_is_missing_is_shown_with_the_line_that_asks_for_it(tmp_path: Path) -> None:
    text = '[change]\n"journey.account.headers" = { x-key = "k" }\n"journey.login.headers" = { x-key = "${env:NOT_SET_ANYWHERE}" }\n'
    path = extending(tmp_path, text)
    with pytest.raises(FileError, match=r"mine.toml:4: journey\[\d+\]\.headers\.x-key: \$\{env:NOT_SET_ANYWHERE\}.* is not set"):
        require_secrets(load_scenario(path), path)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("page_secnods = { value = 1.0 }", "page_seconds (did you mean that?)"),
        ("page-seconds = { value = 1.0 }", "page_seconds (did you mean that?)"),
        ("Persist_tries = 1", "persist_tries (did you mean that?)"),
    ],
)
def test_an_unknown_key_is_answered_with_the_one_that_was_meant(tmp_path: Path, wrong: str, meant: str) -> None:
    assert any(
        text.endswith(f"is a key that nobody reads; want {meant}") for text in faults_of(extending(tmp_path, f"[patience]\n{wrong}\n"))
    )


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("journey.account.method=post", "POST (did you mean that?)"),
        ("journey.account.form=requets", "request (did you mean that?)"),
        ("journey.account.on.conflct=next", "conflict (did you mean that?)"),
        ("journey.account.on.conflict=step:emial", "a step of this journey: email"),
        ("journey.account.on.conflict=fate:gaveup", "fate:gave_up (did you mean that?)"),
        ("objective.0.measure=ok-ratio", "ok_ratio (did you mean that?)"),
        ('profiles=["hardend"]', "a profile: hardened (did you mean that?)"),
    ],
)
def test_a_word_of_a_closed_set_is_answered_with_the_one_that_was_meant(setting: str, meant: str) -> None:
    with pytest.raises(FileError) as caught:
        load_scenario("opening-hour", [setting])
    said = [fault for fault in caught.value.faults if meant in fault.wanted]
    assert [fault.source for fault in said] == [f"opening-hour.toml with --set {setting}"], caught.value


def test_text_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    (fault,) = faults_of(scenario_file(tmp_path, 'name = "x"\ntitle = \n'))
    assert fault.startswith("line 2, column 9 is no TOML")


def test_a_window_past_the_end_of_the_curve_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(extending(tmp_path, "[arrivals]\nfor_seconds = 1_000_000.0\n"))
    assert fault == "arrivals is of 1e+06 s from second 0 on reach past the end of the rate; want at most 421200 s in all"


def test_a_missing_curve_and_rows_by_hand_are_faults(tmp_path: Path) -> None:
    found = faults_of(extending(tmp_path, '[arrivals]\ncurve = "none.csv"\nrows = { seconds = [0.0, 1.0], per_second = [1.0, 1.0] }\n'))
    assert found == [
        "arrivals.curve is 'none.csv', which is not there; want a CSV file beside " + str(tmp_path / "mine.toml"),
        "arrivals.rows is written by hand; want a curve file or phases",
    ]


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        ('form = "hold", for_seconds = 10.0, start_per_second = 1.0, end_per_second = 2.0', "hold with end_per_second 2.0"),
        ('form = "ramp", for_seconds = 10.0, start_per_second = 1.0', "ramp with end_per_second None"),
        ('form = "stairs", for_seconds = 10.0, start_per_second = 1.0, end_per_second = 2.0', "stairs with stairs None"),
    ],
)
def test_a_phase_has_what_its_form_needs_and_nothing_more(tmp_path: Path, phase: str, said: str) -> None:
    text = (scenarios_folder() / "opening-hour.toml").read_text()
    begin, end = text.index("[arrivals]"), text.index("[people]")
    path = scenario_file(tmp_path, text[:begin] + f"[arrivals]\nphases = [{{ {phase} }}]\n" + text[end:])
    (fault,) = faults_of(path)
    assert fault.startswith(f"arrivals.phases[0] is {said}; want")


def test_settings_change_values_anywhere() -> None:
    changed = load_scenario("opening-hour", ["patience.retry_seconds.median=30", "journey.2.title=Mail", "journey.ktp.milestone=false"])
    assert changed.patience.retry_seconds == Lognormal(median=30.0, sigma=0.8)
    assert changed.journey[2].title == "Mail"
    assert not changed.journey[9].milestone
    assert load_scenario("opening-hour", ["patience.retry_seconds={ value = 3 }"]).patience.retry_seconds == Fixed(value=3.0)


def test_a_setting_says_which_place_it_took() -> None:
    data: dict[str, object] = {"a": {"b": [1, {"name": "x"}]}}
    assert put_setting(data, "a.b.x.c=9") == ("a", "b", 1, "c")
    assert data == {"a": {"b": [1, {"name": "x", "c": 9}]}}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("patience", "want KEY=VALUE"),
        ("=3", "want KEY=VALUE"),
        ("patience..x=3", "want KEY=VALUE"),
        ("journey.tset.title=x", "'tset' is not in the list; want test"),
        ("journey.99.title=x", "'99' is not in the list"),
        ("title.x=3", "want a table or list that has a 'x'"),
    ],
)
def test_a_setting_without_a_place_is_refused(setting: str, said: str) -> None:
    with pytest.raises(InputError, match=f"--set .*{said}"):
        load_scenario("opening-hour", [setting])


def test_a_setting_of_a_key_that_nobody_reads_is_a_fault() -> None:
    with pytest.raises(FileError, match=r"patience\.retry_secs is a key that nobody reads; want retry_seconds"):
        load_scenario("opening-hour", ["patience.retry_secs=3"])


def profile_faults(folder: Path, old: str, new: str) -> list[str]:
    text = (profiles_folder() / "hardened.toml").read_text()
    assert text.count(old) == 1
    path = folder / "site.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(FileError) as caught:
        load_profile(path)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("turns_limit = 100", "turns_limit = 0", "store.turns_limit is 0; want more than 0"),
        ("turns_limit = 100", "turns_limits = 100", "store.turns_limit is missing; want a value: How many uploads may have a turn at once"),
        (
            'protocol = "ticket"',
            'protocol = "multipart"',
            'uploads is protocol "multipart" with a table of tickets; want one with "ticket"',
        ),
        ('protocol = "ticket"', 'protocol = "tus"', "uploads.protocol is 'tus'; want 'multipart' or 'ticket'"),
        (
            "return_min_seconds = 5.0",
            "return_min_seconds = 5e5",
            "uploads.tickets is return_min_seconds 500000 with return_max_seconds 3600",
        ),
        ("latency_seconds = 0.05", "latency_seconds = inf", "store.latency_seconds is inf; want a finite number"),
    ],
)
def test_a_faulty_profile_is_refused_where_it_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert profile_faults(tmp_path, old, new)[0].startswith(said)
