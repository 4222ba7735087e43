"""What the simulator takes in, and what it says when it can't."""

import importlib
import sys
from fractions import Fraction

import numpy as np
import pytest

from gelombang.errors import HostError, InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.scale import Scale
from gelombang.scenario import Backoff, Persona, Scenario
from gelombang_capacity.costs import Costs
from gelombang_capacity.endings import ENDS, OUTCOMES, Ending, place
from gelombang_capacity.site import Kind, SitePlan, compile_site
from support import small_scenario


def site_of(scenario: Scenario, profile: str = "hardened") -> SitePlan:
    return compile_site(
        scenario, load_profile(profile), Scale(Fraction(1, 50), 60.0, 0.1), 1, np.array([5], dtype=np.int64), 3_600.0, Costs()
    )


def test_the_steps_of_the_opening_hour_are_known_to_the_model() -> None:
    kinds = [Kind(int(kind)).name.lower() for kind in site_of(load_scenario("opening-hour")).steps["kind"]]
    assert kinds == [
        *("account", "mail", "plain", "data", "otp_send", "sms", "otp", "registry", "plain"),
        *("photo", "photo", "plain", "plain", "plain", "login"),
    ]


def test_numbers_of_the_site_are_scaled_by_the_one_rule() -> None:
    row = site_of(load_scenario("opening-hour"), "april-2020").parameters[0]
    assert row["turns"] == 14  # 720 / 50
    assert row["answer_within"] == 1_000_000  # 60 s, 60 times as fast
    assert row["photo_limit"] == 200_000
    assert row["bandwidth"] == pytest.approx(13_500_000 * 60 * 0.1 / 50)
    assert row["api_us"] == 400  # real cost does not scale
    assert row["hash_us"] == 300


def test_an_inbox_that_is_not_the_harness_is_refused_with_its_step() -> None:
    mail = {**small_scenario.SMS, "kind": "newsletter", "on": {}}
    with pytest.raises(InputError, match="step otp-sms waits for newsletter in the inbox harness; the simulator knows email-link, otp"):
        site_of(small_scenario.scenario(mail))


def test_more_than_two_photo_steps_are_refused() -> None:
    photos = [{**small_scenario.KTP, "step": name} for name in ("a", "b", "c")]
    with pytest.raises(InputError, match="3 photo steps; the simulator wants 2 at most"):
        site_of(small_scenario.scenario(*photos))


def test_people_with_a_second_tab_are_refused_also_where_only_a_persona_opens_one() -> None:
    tab = {"ratio": 0.5, "after_seconds": {"value": 5.0}}
    everybody = small_scenario.scenario(small_scenario.SEND, second_tab=tab)
    plain = small_scenario.scenario(small_scenario.SEND).model_dump(mode="json", by_alias=True, exclude_none=True)
    some = Scenario.model_validate({**plain, "persona": [{"name": "one", "patience": {"second_tab": tab}}]})
    for found in (everybody, some):
        with pytest.raises(InputError, match="the simulator walks everybody through one"):
            site_of(found)


def test_a_site_with_a_waiting_room_is_refused_because_it_is_not_modelled() -> None:
    with pytest.raises(InputError, match="profile waiting-room has a waiting room"):
        site_of(small_scenario.scenario(small_scenario.SEND), "waiting-room")


def test_a_site_without_a_modelled_store_is_refused_because_the_simulator_models_one() -> None:
    with pytest.raises(InputError, match="profile physical has no modelled store; the simulator models one"):
        site_of(small_scenario.scenario(small_scenario.SEND), "physical")


def test_every_ending_is_a_place_with_a_meaning() -> None:
    assert set(ENDS) == set(Ending)
    assert all(OUTCOMES[ending] == ENDS[ending].outcome for ending in Ending)
    assert all(place(ending).meaning for ending in Ending)


def test_without_numba_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "gelombang_capacity.jit")
    with pytest.raises(HostError, match=r"needs numba, which is not installed; want `pip install 'gelombang\[capacity\]'`"):
        importlib.import_module("gelombang_capacity.jit")


def test_each_persona_is_a_row_of_its_own_numbers() -> None:
    hour = load_scenario("opening-hour")
    backing = hour.patience.model_copy(update={"backoff": Backoff(first_seconds=60.0, longest_seconds=600.0), "obeys_told_time": False})
    fixed = hour.patience.model_copy(update={"retry_delays_seconds": [0.0, 60.0, 180.0]})
    personas = [Persona(name="backs-off", weight=2.0, patience=backing), Persona(name="library", weight=3.0, patience=fixed)]
    plan = site_of(hour.model_copy(update={"persona": personas}))
    backs_off, library = plan.patience
    assert plan.parameters[0]["weights"] == 5.0
    assert (backs_off["has_backoff"], backs_off["backoff_first"], backs_off["backoff_longest"], backs_off["obeys"]) == (1, 1.0, 10.0, 0)
    assert (library["has_backoff"], library["delays"], library["obeys"]) == (0, 3, 1)
    assert plan.delays.tolist() == [0.0, 1.0, 3.0]


def test_without_personas_everybody_has_the_one_row() -> None:
    plan = site_of(load_scenario("opening-hour"))
    assert (len(plan.patience), len(plan.delays)) == (1, 0)
