"""The table in gelombang.toml by which this repository gates itself, on the files as they stand."""

import os
import sys
from pathlib import Path

from gelombang_gates.gate_file import load_gate
from gelombang_gates.paired import command_of
from gelombang_gates.pairs import ALL_COSTS, REQUESTS_LEAST, first_look
from gelombang_gates.revision import Revision
from gelombang_gates.side import CommandSide

ROOT = Path(__file__).parents[2]


def test_every_gated_route_of_our_own_site_answers_as_the_table_wants() -> None:
    gate = load_gate(ROOT / "gelombang.toml")
    paths = os.pathsep.join(str(ROOT / part) for part in (".", "server"))
    variables = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]), "PYTHONPATH": paths}
    files = Revision("these files", "", ROOT, variables)
    looked = first_look(gate, CommandSide(files, command_of(gate, files)))
    assert looked.answers == {route.name: str(route.status) for route in gate.route}
    assert all(count >= REQUESTS_LEAST for count in looked.requests.values())
    assert looked.seen == ALL_COSTS
