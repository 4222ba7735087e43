"""Where the keys of a TOML file stand."""

import tomllib

from gelombang.places import laid_over, places_of

TEXT = """# one
a.b."c d" = 1
[t]
list = [
  1,
  { x = 2 }, # two
]
[[steps]]
body = { json = { "e.mail" = "x" } }
[[steps]]
[steps.on]
ok = "next"
[late.inner]
y = 1
[late]
z = 2
"""


def line_of(where: str) -> int:
    return places_of(TEXT, "t.toml").found(where, tomllib.loads(TEXT)).line


def test_dotted_keys_lists_and_tables_have_their_lines() -> None:
    assert line_of("a.b.c d") == 2
    assert line_of("t.list[1].x") == 6
    assert line_of("steps[0].body.json.e.mail (step x)") == 9
    assert line_of("steps[1].on.ok") == 12
    assert [line_of("late.inner.y"), line_of("late"), line_of("late.z")] == [14, 15, 16]


def test_what_is_not_there_is_shown_at_what_is_around_it() -> None:
    assert line_of("steps[1].form") == 10
    assert line_of("steps[7]") == 8
    assert line_of("t.lists") == 3
    assert line_of("nothing") == 0


def test_a_key_of_an_extended_file_that_is_gone_from_the_data_is_not_found_there() -> None:
    under, over = "l = [{ a = 1,\n b = 2 }]\n", "\n\nl = [{ a = 3 }]\n"
    places = laid_over(places_of(under.replace(",\n", ","), "under"), places_of(over, "over"))
    assert places.found("l[0].b", tomllib.loads(over)).source == "over"
    assert places.found("l[0].a", tomllib.loads(over)).line == 3


def test_text_that_is_no_toml_has_places_for_what_can_be_read() -> None:
    assert places_of("a = 1\n= = [\nb = 2\n", "t.toml").below["a"].line == 1
