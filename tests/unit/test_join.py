"""The join: single combinations and what they mean. Values are those of the ledgers, spelled out."""

import pytest

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage
from gelombang.evidence import read_evidence
from gelombang.join import join
from support.run_folder import DONE, RunFolder

STORE, BODY, ADMISSION, ACKNOWLEDGE, HEADERS = Stage.STORE, Stage.BODY, Stage.ADMISSION, Stage.ACKNOWLEDGE, Stage.HEADERS


def joined(run, dropped_by_kernel=0, died=False):
    run.write(died=died)
    return join(read_evidence(run.path, run.plan), run.scenario.journey, dropped_by_kernel)


def only_cell(run, **options):
    (cell,) = joined(run, **options).cells
    return cell


EXPLAINED = [
    ("account", Outcome.OK, Phase.RECEIVE, Code.NONE, 201, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)),
    ("account", Outcome.CONFLICT, Phase.RECEIVE, Code.EMAIL_TAKEN, 409, (HEADERS, ServerOutcome.REJECTED, Code.EMAIL_TAKEN, 409)),
    ("account", Outcome.CAPTURE_FAILED, Phase.RECEIVE, Code.NONE, 201, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)),
    ("data", Outcome.INVALID, Phase.RECEIVE, Code.STEP_NOT_OPEN, 409, (HEADERS, ServerOutcome.REJECTED, Code.STEP_NOT_OPEN, 409)),
    ("otp", Outcome.EXPIRED, Phase.RECEIVE, Code.OTP_EXPIRED, 410, (HEADERS, ServerOutcome.REJECTED, Code.OTP_EXPIRED, 410)),
    ("ktp", Outcome.TOO_LARGE, Phase.RECEIVE, Code.PHOTO_TOO_LARGE, 413, (BODY, ServerOutcome.REJECTED, Code.PHOTO_TOO_LARGE, 413)),
    ("ktp", Outcome.REFUSED, Phase.RECEIVE, Code.UPLOADS_BUSY, 503, (ADMISSION, ServerOutcome.REFUSED, Code.UPLOADS_BUSY, 503)),
    ("ktp", Outcome.FAILED, Phase.RECEIVE, Code.UPLOAD_FAILED, 503, (STORE, ServerOutcome.FAILED, Code.UPLOAD_FAILED, 503)),
    ("ktp", Outcome.FAILED, Phase.RECEIVE, Code.UPLOAD_TIMED_OUT, 504, (STORE, ServerOutcome.FAILED, Code.UPLOAD_TIMED_OUT, 504)),
    ("ktp", Outcome.FAILED, Phase.RECEIVE, Code.BODY_TOO_SLOW, 408, (BODY, ServerOutcome.REJECTED, Code.BODY_TOO_SLOW, 408)),
    ("ktp", Outcome.TIMED_OUT, Phase.WAIT, Code.NONE, 0, (ACKNOWLEDGE, ServerOutcome.COMPLETED_UNHEARD, Code.NONE, 499)),
    ("ktp", Outcome.TIMED_OUT, Phase.WAIT, Code.NONE, 0, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)),
    ("ktp", Outcome.TIMED_OUT, Phase.WAIT, Code.NONE, 0, (STORE, ServerOutcome.FAILED, Code.UPLOAD_FAILED, 499)),
    ("ktp", Outcome.TIMED_OUT, Phase.SEND, Code.NONE, 0, (BODY, ServerOutcome.ABANDONED, Code.CLIENT_LEFT, 499)),
    ("ktp", Outcome.TIMED_OUT, Phase.CONNECT, Code.NONE, 0, (BODY, ServerOutcome.ABANDONED, Code.TICKET_EXPIRED, 0)),
    ("ktp", Outcome.TIMED_OUT, Phase.NONE, Code.NONE, 0, None),
    ("ktp", Outcome.TIMED_OUT, Phase.NONE, Code.NONE, 0, (BODY, ServerOutcome.COMPLETED, Code.NONE, 204)),
    ("ktp", Outcome.TIMED_OUT, Phase.CONNECT, Code.NONE, 0, (ADMISSION, ServerOutcome.COMPLETED, Code.NONE, 201)),
    ("ktp", Outcome.TIMED_OUT, Phase.SEND, Code.NONE, 0, None),
    ("ktp", Outcome.CONNECT_REFUSED, Phase.CONNECT, Code.NONE, 0, None),
    ("ktp", Outcome.RESET, Phase.SEND, Code.NONE, 0, (BODY, ServerOutcome.REJECTED, Code.BODY_TOO_LARGE, 413)),
    ("ktp", Outcome.RESET, Phase.WAIT, Code.NONE, 0, (STORE, ServerOutcome.SHUTDOWN, Code.SHUTTING_DOWN, 0)),
    ("ktp", Outcome.CUT, Phase.SEND, Code.NONE, 0, (STORE, ServerOutcome.COMPLETED_UNHEARD, Code.NONE, 499)),
    ("ktp", Outcome.CUT, Phase.SEND, Code.NONE, 0, None),
    ("email", Outcome.OK, Phase.INBOX, Code.NONE, 0, None),
    ("email", Outcome.NOT_READ, Phase.NONE, Code.NONE, 0, None),
    ("otp-sms", Outcome.NO_MESSAGE, Phase.INBOX, Code.NONE, 0, None),
    ("nik", Outcome.INVALID, Phase.INBOX, Code.NONE, 0, None),
    ("nik", Outcome.CUT, Phase.INBOX, Code.NONE, 0, None),
]

UNEXPLAINED = [
    ("ktp", Outcome.TIMED_OUT, Phase.NONE, Code.NONE, 0, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)),
    ("data", Outcome.CAPTURE_FAILED, Phase.RECEIVE, Code.NONE, 202, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 202)),
    ("account", Outcome.CAPTURE_FAILED, Phase.RECEIVE, Code.NONE, 201, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 200)),
    ("account", Outcome.INVALID, Phase.RECEIVE, Code.NONE, 201, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)),
    ("ktp", Outcome.OK, Phase.RECEIVE, Code.NONE, 201, None),
    ("ktp", Outcome.OK, Phase.RECEIVE, Code.NONE, 201, (ACKNOWLEDGE, ServerOutcome.COMPLETED_UNHEARD, Code.NONE, 201)),
    ("ktp", Outcome.OK, Phase.RECEIVE, Code.NONE, 201, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 200)),
    ("ktp", Outcome.OK, Phase.RECEIVE, Code.UPLOAD_FAILED, 503, (STORE, ServerOutcome.FAILED, Code.UPLOAD_FAILED, 503)),
    ("ktp", Outcome.FAILED, Phase.RECEIVE, Code.UPLOAD_FAILED, 503, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)),
    ("ktp", Outcome.FAILED, Phase.RECEIVE, Code.UPLOAD_FAILED, 503, (STORE, ServerOutcome.FAILED, Code.STORE_FULL, 503)),
    ("ktp", Outcome.FAILED, Phase.RECEIVE, Code.UPLOAD_FAILED, 503, None),
    ("ktp", Outcome.REFUSED, Phase.RECEIVE, Code.UPLOADS_BUSY, 503, (ADMISSION, ServerOutcome.FAILED, Code.UPLOADS_BUSY, 503)),
    ("ktp", Outcome.TOO_LARGE, Phase.RECEIVE, Code.PHOTO_TOO_LARGE, 413, (BODY, ServerOutcome.ABANDONED, Code.CLIENT_LEFT, 499)),
    ("ktp", Outcome.TIMED_OUT, Phase.WAIT, Code.NONE, 0, None),
    ("ktp", Outcome.TIMED_OUT, Phase.WAIT, Code.NONE, 0, (STORE, ServerOutcome.OPEN, Code.NONE, 0)),
    ("ktp", Outcome.TIMED_OUT, Phase.CONNECT, Code.NONE, 0, None),
    ("ktp", Outcome.TIMED_OUT, Phase.CONNECT, Code.NONE, 0, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)),
    ("ktp", Outcome.RESET, Phase.WAIT, Code.NONE, 0, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)),
    ("ktp", Outcome.RESET, Phase.WAIT, Code.NONE, 0, (STORE, ServerOutcome.ABANDONED, Code.CLIENT_LEFT, 499)),
    ("ktp", Outcome.RESET, Phase.WAIT, Code.NONE, 0, None),
    ("ktp", Outcome.PROTOCOL, Phase.RECEIVE, Code.NONE, 0, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)),
    ("ktp", Outcome.NO_MESSAGE, Phase.INBOX, Code.NONE, 0, None),
    ("ktp", Outcome.OPEN, Phase.NONE, Code.NONE, 0, None),
    ("email", Outcome.OK, Phase.INBOX, Code.NONE, 0, (ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 200)),
    ("email", Outcome.TIMED_OUT, Phase.SEND, Code.NONE, 0, None),
]


@pytest.mark.parametrize(("step", "outcome", "phase", "code", "status", "server"), EXPLAINED)
def test_what_can_happen_is_explained(tmp_path, step, outcome, phase, code, status, server):
    run = RunFolder(tmp_path)
    run.attempt(0, step, outcome, phase, code, status, server)
    cell = only_cell(run)
    assert cell.explained, cell
    assert cell.attempts == 1


@pytest.mark.parametrize(("step", "outcome", "phase", "code", "status", "server"), UNEXPLAINED)
def test_what_cannot_happen_is_unexplained(tmp_path, step, outcome, phase, code, status, server):
    run = RunFolder(tmp_path)
    run.attempt(0, step, outcome, phase, code, status, server)
    found = joined(run)
    assert found.unexplained == 1, found.cells
    assert found.cells[0].meaning


def test_a_lost_acknowledgement_is_called_that(tmp_path):
    run = RunFolder(tmp_path)
    run.attempt(0, "ktp", Outcome.TIMED_OUT, Phase.WAIT, status=0, server=(ACKNOWLEDGE, ServerOutcome.COMPLETED_UNHEARD, Code.NONE, 499))
    assert only_cell(run).meaning == "acknowledgement lost: done, but the person had left"


def test_unseen_connections_are_explained_only_as_far_as_the_kernel_counted_drops(tmp_path):
    run = RunFolder(tmp_path)
    for person in range(5):
        run.attempt(person, "account", Outcome.TIMED_OUT, Phase.CONNECT, status=0, server=None)
    found = joined(run, dropped_by_kernel=3)
    assert [(cell.explained, cell.attempts) for cell in found.cells] == [(False, 2), (True, 3)]


def test_a_dropped_connection_explains_one_attempt_and_not_another_as_well(tmp_path):
    run = RunFolder(tmp_path)
    run.attempt(0, "account", Outcome.TIMED_OUT, Phase.CONNECT, status=0, server=None)
    run.attempt(0, "ktp", Outcome.TIMED_OUT, Phase.CONNECT, status=0, server=None)
    run.attempt(0, "ktp", Outcome.RESET, Phase.CONNECT, status=0, server=None)
    assert joined(run, dropped_by_kernel=1).unexplained == 2


def test_an_unseen_attempt_whose_request_was_sent_is_unexplained(tmp_path):
    run = RunFolder(tmp_path)
    run.attempt(0, "ktp", Outcome.TIMED_OUT, Phase.SEND, status=0, server=None, received_bytes=400)
    assert joined(run).unexplained == 1


def test_open_rows_of_a_killed_generator_are_read_as_died(tmp_path):
    run = RunFolder(tmp_path)
    run.attempt(0, "account", Outcome.OPEN, Phase.NONE, status=0, server=DONE)
    cell = only_cell(run, died=True)
    assert (cell.client_outcome, cell.explained) == ("process_died", True)


def test_warm_up_of_the_server_is_left_out_and_what_nobody_made_is_not(tmp_path):
    run = RunFolder(tmp_path)
    run.seen(7, 0, 1, DONE, began_us=-2_000_000, ended_us=-1_990_000)
    assert joined(run).unexplained == 0
    run.seen(8, 0, 1, DONE, began_us=2_000_000, ended_us=2_010_000)
    assert joined(run).unexplained == 1


def test_the_servers_times_are_read_on_the_runs_clock(tmp_path):
    run = RunFolder(tmp_path)
    run.attempt(0, "account")
    run.write()
    evidence = read_evidence(run.path, run.plan)
    assert evidence.generator["sent"][0] < evidence.server["began"][0] < evidence.server["ended"][0] < evidence.generator["done"][0]


def test_an_attempt_with_two_rows_on_one_end_is_unexplained(tmp_path):
    run = RunFolder(tmp_path)
    number = run.attempt(0, "account")
    run.seen(0, 0, number, DONE, 2_000_000, 2_010_000)
    assert joined(run).unexplained == 3
    run.server.clear()
    run.generator.append(run.generator[0])
    assert joined(run).unexplained == 2


def test_a_step_that_the_journey_does_not_have_is_unexplained(tmp_path):
    run = RunFolder(tmp_path)
    run.attempt(0, "account", server=None)
    run.generator[0]["step"] = 40
    run.generator[0]["outcome"] = Outcome.CUT
    assert only_cell(run).meaning == "the journey has no such step"


def test_a_foreign_target_has_no_join(tmp_path):
    run = RunFolder(tmp_path)
    run.attempt(0, "account", server=None)
    run.write()
    (tmp_path / "server.json").unlink()
    found = join(read_evidence(tmp_path, run.plan), run.scenario.journey, 0)
    assert (found.cells, found.unexplained) == ([], 0)


def test_a_servers_ledger_that_is_gone_leaves_everything_unexplained(tmp_path):
    run = RunFolder(tmp_path)
    run.attempt(0, "account")
    run.write()
    (tmp_path / "ledger-server-0.bin").unlink()
    assert join(read_evidence(tmp_path, run.plan), run.scenario.journey, 0).unexplained == 1
