"""The operator's own labels of a run."""

import pytest

from gelombang.errors import InputError
from gelombang.run_labels import parse_labels


def test_labels_keep_their_order_and_their_values_whole() -> None:
    assert parse_labels(["team=enrolment", "change=a=b, c"]) == {"team": "enrolment", "change": "a=b, c"}
    assert parse_labels([]) == {}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["team"], "want KEY=VALUE"),
        (["Team=a"], "want lower-case letters"),
        (["1st=a"], "a letter first"),
        (["__name__=a"], "want lower-case letters"),
        (["a__b=c"], "single _"),
        ([f"{'a' * 33}=x"], "32 at most"),
        (["profile=a"], "which the metrics have already"),
        (["instance=a"], "which the metrics have already"),
        (["team=a", "team=b"], "twice"),
        (["team="], "printable characters"),
        (["team=a\nb"], "printable characters"),
        ([f"team={'x' * 65}"], "1 to 64 printable"),
        ([f"label{n}=x" for n in range(9)], "want 8 at most"),
    ],
)
def test_a_label_that_no_metric_could_carry_is_refused_in_words(given: list[str], wanted: str) -> None:
    with pytest.raises(InputError, match=wanted):
        parse_labels(given)
