"""The line that `gelombang serve` prints can be pasted."""

import argparse
import shlex
from fractions import Fraction
from pathlib import Path

from gelombang.scale import Scale
from gelombang_cli.serve import banner


def test_a_token_that_begins_with_a_dash_reaches_the_option_it_belongs_to() -> None:
    ready = {"public_url": "http://127.0.0.1:1", "harness_url": "http://127.0.0.1:2", "metrics_urls": []}
    line = banner("hardened", Scale(Fraction(1, 20), 60.0, 0.1), ready, "-abc", Path("site")).splitlines()[-1]
    parser = argparse.ArgumentParser()
    parser.add_argument("--harness-token")
    found, _ = parser.parse_known_args(shlex.split(line))
    assert found.harness_token == "-abc"
