"""`gelombang capacity`: how much does a site carry, how much would it need, and how well was that foretold?"""

from gelombang_cli import capacity_calibrate, capacity_find, capacity_history, capacity_map, capacity_plan, capacity_score
from gelombang_cli.arguments import Commands


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("capacity", help="find a site's limit, plan for a surge, and keep score", description=__doc__)
    parts = parser.add_subparsers(title="parts", metavar="PART", required=True)
    for module in (capacity_find, capacity_calibrate, capacity_plan, capacity_score, capacity_history, capacity_map):
        module.add_command(parts)
