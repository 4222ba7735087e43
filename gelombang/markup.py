"""What stands in a page: one value by a CSS selector, as browsers read HTML.

A rule is a selector, or a selector with `@` and the attribute that is meant: `input[name=csrf]@value`. Without an attribute it is the
element's text, white space at its ends removed. Pages are read by Lexbor, which mends broken HTML by the rules of the HTML standard.
"""

import re

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

_RULE = re.compile(r"(?P<selector>.*?)(?:@(?P<attribute>[A-Za-z_][A-Za-z0-9_.:-]*))?", re.DOTALL)
_ANY_PAGE = LexborHTMLParser("<p></p>")


def selector_fault(rule: str) -> str:
    """What is wrong with a rule, as `found; want …`; empty when nothing is."""
    selector, _ = _taken_apart(rule)
    try:
        if selector.strip():
            _ANY_PAGE.css_first(selector)
            return ""
    except SelectolaxError:
        pass
    return f"{rule!r}; want a CSS selector such as input[name=csrf]@value"


class Page:
    """One page, parsed once."""

    __slots__ = ("_tree",)

    def __init__(self, text: str) -> None:
        self._tree = LexborHTMLParser(text)

    def value(self, rule: str) -> str | None:
        """What the first element that fits has; None when there is none, or it has no such attribute."""
        selector, attribute = _taken_apart(rule)
        element = self._tree.css_first(selector)
        if element is None:
            return None
        if attribute is None:
            return element.text().strip()
        if attribute not in element.attributes:
            return None
        return element.attributes[attribute] or ""


def _taken_apart(rule: str) -> tuple[str, str | None]:
    found = _RULE.fullmatch(rule)
    assert found is not None
    return found["selector"], found["attribute"]
