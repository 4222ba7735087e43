"""Every upload attempt ends in one place with a sentence, whatever its two ends hold."""

from itertools import product

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage
from gelombang.upload_places import TOLD, place_of


def test_every_combination_has_a_place_and_a_sentence():
    for outcome, phase, stage, server_outcome in product(Outcome, Phase, [None, *Stage], ServerOutcome):
        for code in (Code.NONE, Code.UPLOAD_FAILED, Code.CLIENT_LEFT, Code.OTP_WRONG):
            place = place_of(outcome, phase, code, stage, server_outcome, code)
            assert place.meaning
            assert (place == TOLD) == (outcome is Outcome.OK)
            assert (place.key == "acknowledged") == (outcome is Outcome.OK)


def test_a_place_is_on_the_servers_end_when_it_saw_the_attempt():
    seen = place_of(Outcome.FAILED, Phase.RECEIVE, Code.UPLOAD_FAILED, Stage.STORE, ServerOutcome.FAILED, Code.UPLOAD_FAILED)
    assert (seen[:3], seen.key) == (("store", "failed", "upload_failed"), "store/upload_failed")
    unseen = place_of(Outcome.TIMED_OUT, Phase.CONNECT, Code.NONE, None, ServerOutcome.OPEN, Code.NONE)
    assert (unseen[:3], unseen.key) == (("connect", "timed_out", "none"), "connect/timed_out")


def test_an_answer_that_the_person_never_read_is_no_acknowledgement():
    crossed = place_of(Outcome.TIMED_OUT, Phase.WAIT, Code.NONE, Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE)
    unheard = place_of(Outcome.TIMED_OUT, Phase.WAIT, Code.NONE, Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED_UNHEARD, Code.NONE)
    assert crossed == unheard
    assert unheard[:3] == ("acknowledge", "completed_unheard", "client_left")


def test_an_answer_that_did_not_hold_what_was_looked_for_is_told_so():
    for stage in (None, Stage.ACKNOWLEDGE):
        place = place_of(Outcome.CAPTURE_FAILED, Phase.RECEIVE, Code.NONE, stage, ServerOutcome.COMPLETED, Code.NONE)
        assert place.outcome == "capture_failed"
        assert place.meaning == "the answer was well, but did not hold what the scenario looks for"
