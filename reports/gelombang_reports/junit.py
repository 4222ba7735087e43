"""Objectives as JUnit XML, so that a CI system shows them like tests.

One suite per run, one case per objective, and a case first of all that says whether the run can be believed:

- VALID: that case passes; an objective that was not met is a `failure`, one that was not judged is `skipped`.
- SUSPECT: that case is an `error` (not a failure: the site did nothing wrong, the measurement did); objectives stand as judged.
- INVALID: that case is an `error`, and every objective is `skipped`, because no verdict can be drawn.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from gelombang.record import Judgement, RunRecord, Validity
from gelombang_reports.texts import ENGLISH, Texts

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0, section 2.2, allows nowhere, not even escaped."""


def junit_xml(records: Sequence[RunRecord], texts: Texts = ENGLISH) -> str:
    """The document, ending in a newline."""
    root = ET.Element("testsuites", {"name": "gelombang"})
    for record in records:
        root.append(_suite(record, texts))
    ET.indent(root)
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(root, encoding="unicode") + "\n"


def _suite(record: RunRecord, texts: Texts) -> ET.Element:
    name = f"{record.scenario}.{record.profile}"
    suite = ET.Element("testsuite", {"name": _clean(name), "timestamp": _clean(record.started_at)})
    case = ET.SubElement(suite, "testcase", {"classname": _clean(name), "name": texts.believed})
    if record.validity is not Validity.VALID:
        doubts = "\n".join(
            texts.doubt_line.format(name=doubt.name, evidence=doubt.evidence, what_to_do=doubt.what_to_do) for doubt in record.doubts
        )
        message = {"type": record.validity.value, "message": texts.believed_words[record.validity.value]}
        ET.SubElement(case, "error", message).text = _clean(doubts)
    for judgement in record.objectives:
        _case(suite, name, judgement, record.validity, texts)
    counts = {"tests": "testcase", "failures": "testcase/failure", "errors": "testcase/error", "skipped": "testcase/skipped"}
    for attribute, path in counts.items():
        suite.set(attribute, str(len(suite.findall(path))))
    return suite


def _case(suite: ET.Element, name: str, judgement: Judgement, validity: Validity, texts: Texts) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": _clean(name), "name": _clean(judgement.name)})
    if validity is Validity.INVALID:
        ET.SubElement(case, "skipped", {"message": texts.no_verdict})
    elif judgement.passed is None:
        ET.SubElement(case, "skipped", {"message": _clean(judgement.found)})
    elif not judgement.passed:
        words = f"{texts.wanted_found.format(wanted=judgement.wanted)} {judgement.found}"
        ET.SubElement(case, "failure", {"type": "objective", "message": _clean(words)})


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
