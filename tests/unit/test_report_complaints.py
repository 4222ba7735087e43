"""What the page says of complaints in public, and of the server's own signal beside them."""

import re

import pytest

from gelombang.record import RunRecord
from gelombang.record_complaints import PublicComplaints
from gelombang_reports.complaints import failed_uploads, noticed_window, signal_window
from gelombang_reports.page import render_page
from support.records import collapsing, hardened


def complained(record: RunRecord, noticed: float = 60.0, later: int = 3, **when: int) -> RunRecord:
    """With ten complaints of the sample in one window for each step."""
    count = len(record.windows.offered)
    windows = {step: [10 if window == at else 0 for window in range(count)] for step, at in when.items()}
    return record.model_copy(update={"complaints": PublicComplaints(windows=windows, later=later, noticed_per_minute=noticed)})


def without_failures(record: RunRecord) -> RunRecord:
    none = [0] * len(record.windows.upload_failed)
    return record.model_copy(update={"windows": record.windows.model_copy(update={"upload_failed": none})})


def section(*records: RunRecord) -> str:
    """The text of the part about complaints; empty where there is none."""
    found = re.search(r'<section id="complaints">(.*?)</section>', render_page(records), re.S)
    return "" if found is None else " ".join(re.sub(r"<[^>]+>", " ", found[1]).replace("\u202f", " ").split())


@pytest.mark.parametrize(
    ("window", "said"),
    [
        (15, "Complaints first passed 60 a minute at 19:15, 12 min after the server’s own signal: from 19:03 more than half"),
        (1, "Complaints first passed 60 a minute at 19:01, 2 min before the server’s own signal: from 19:03 more than half"),
        (3, "Complaints first passed 60 a minute at 19:03, when more than half of the uploads first failed."),
    ],
)
def test_the_page_says_by_how_much_complaints_were_later_than_the_servers_own_signal(window: int, said: str) -> None:
    assert said in section(complained(collapsing(), ktp=window))


def test_the_page_says_how_many_complained_and_how_many_only_after_the_end() -> None:
    assert "april-2020: 20 people complained (400 at full size), 3 more only after the end." in section(
        complained(collapsing(), ktp=15, selfie=20)
    )


def test_complaints_that_nobody_notices_and_uploads_that_do_not_fail_are_said_as_well() -> None:
    assert "Complaints never passed 200 a minute; from 19:03 more than half" in section(complained(collapsing(), noticed=200.0, ktp=15))
    assert "passed 60 a minute at 19:15; at no time" in section(complained(without_failures(collapsing()), ktp=15))
    assert "Complaints never passed 60 a minute, and at no time" in section(complained(without_failures(collapsing())))


def test_complaints_of_all_steps_are_taken_together() -> None:
    record = complained(collapsing(), noticed=300.0, ktp=15, selfie=15)
    assert record.complaints is not None
    assert noticed_window(record, record.complaints) == 15


def test_a_window_with_few_attempts_gives_no_signal() -> None:
    windows = collapsing().windows
    changed = {"upload_attempts": [9, 12, 10], "upload_failed": [9, 6, 6]}
    assert signal_window(collapsing().model_copy(update={"windows": windows.model_copy(update=changed)})) == 2


def test_who_was_told_when_to_come_back_has_not_failed() -> None:
    record = hardened()
    assert record.uploads is not None
    told = {f"{e.stage}/{e.code}" for e in record.uploads.where if e.outcome == "refused"}
    assert told
    by_window = zip(*(record.windows.upload_where[key] for key in told), strict=True)
    assert [a + sum(b) for a, b in zip(failed_uploads(record), by_window, strict=True)] == record.windows.upload_failed
    assert signal_window(record) is None


def test_steps_that_made_people_complain_stand_with_their_counts_beside_a_run_that_counted_none() -> None:
    text = section(complained(collapsing(), ktp=15, account=4), hardened())
    assert text.endswith("Account 10 – KTP photo 10 –")
    assert text.count("complaints per minute, full size") >= 2
    assert "hardened:" not in text


def test_a_page_without_complaints_has_no_part_about_them() -> None:
    assert not section(collapsing(), hardened())
    assert "#complaints" not in render_page([collapsing(), hardened()])
