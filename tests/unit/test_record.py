"""The record's own check of conservation."""

import json

import pytest

from gelombang.errors import RecordError
from gelombang.record import read_record, write_record
from gelombang.summary import RunFacts, summarise
from support.run_folder import RunFolder


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    run = RunFolder(tmp_path_factory.mktemp("run")).everybody().write()
    return summarise(run.path, run.plan, run.profile, RunFacts("now"), due_us=run.due_us())


def test_people_who_do_not_add_up_are_refused_when_written_and_when_read(record, tmp_path):
    short = record.model_copy(update={"fates": {**record.fates, "finished": record.fates["finished"] - 1}})
    with pytest.raises(RecordError, match="fates add up to 9; want 10, the people planned"):
        write_record(tmp_path, short)
    (tmp_path / "record.json").write_text(short.model_dump_json())
    with pytest.raises(RecordError, match="fates add up to 9"):
        read_record(tmp_path)


def test_people_without_a_fate_are_refused(record):
    fates = {**record.fates, "finished": record.fates["finished"] - 1, "open": 1}
    with pytest.raises(RecordError, match="1 people have no fate; want none"):
        record.model_copy(update={"fates": fates}).check("record.json")


def test_attempts_that_do_not_add_up_are_refused(record):
    steps = [record.steps[0].model_copy(update={"attempts": 11}), *record.steps[1:]]
    with pytest.raises(RecordError, match="outcomes of step account add up to 10; want 11, its attempts"):
        record.model_copy(update={"steps": steps}).check("record.json")


def test_uploads_that_do_not_add_up_are_refused(record):
    for part in ({"failed": record.uploads.failed + 1}, {"where": record.uploads.where[1:]}):
        with pytest.raises(RecordError, match="uploads"):
            record.model_copy(update={"uploads": record.uploads.model_copy(update=part)}).check("record.json")


def test_a_record_of_another_schema_is_an_operator_error(record, tmp_path):
    (tmp_path / "record.json").write_text('{"schema_version": 1, "run_id": 5}')
    with pytest.raises(RecordError, match="is not a RunRecord: run_id"):
        read_record(tmp_path)


def test_a_record_of_before_the_added_fields_is_read(record, tmp_path):
    old = record.model_dump(mode="json")
    for name in ("cut", "refused", "audited", "store_bytes_per_second", "commit_bytes"):
        del old["uploads"][name]
    del old["windows"]["too_large"]
    (tmp_path / "record.json").write_text(json.dumps(old))
    assert read_record(tmp_path).uploads.audited
