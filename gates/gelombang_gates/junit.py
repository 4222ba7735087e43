"""What a gate found, as a build server shows it: a case each, failed, skipped or passed.

Promise: what was not decided is skipped and never looks passed; the counts are those of the cases. Left out: what failed in which way; a
case has one sentence.
"""

import re
from enum import StrEnum
from xml.etree import ElementTree as ET

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Case(StrEnum):
    """How a case ended; its value is the element that says so."""

    PASSED = "passed"
    SKIPPED = "skipped"
    FAILED = "failure"


class JunitSuite:
    """The cases of one gate, in the order in which they are added."""

    def __init__(self, gate: str, seconds: float | None = None) -> None:
        self._root = ET.Element("testsuites", {"name": "gelombang gate"})
        self._suite = ET.SubElement(self._root, "testsuite", {"name": f"gelombang.gate.{gate}"})
        if seconds is not None:
            self._suite.set("time", f"{seconds:.1f}")

    def add(self, name: str, case: Case, why: str = "") -> None:
        """`why` is shown where it did not pass."""
        element = ET.SubElement(self._suite, "testcase", {"classname": "gelombang.gate", "name": _clean(name)})
        if case is not Case.PASSED:
            ET.SubElement(element, case.value, {"message": _clean(why)})

    def text(self) -> str:
        """The whole document, ending in a newline."""
        for attribute, path in {"tests": "testcase", "failures": "testcase/failure", "skipped": "testcase/skipped"}.items():
            self._suite.set(attribute, str(len(self._suite.findall(path))))
        ET.indent(self._root)
        return "<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(self._root, encoding="unicode") + "\n"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
