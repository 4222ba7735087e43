"""`python -m gelombang_server --config server.json`: the reference server. One line of JSON on stdout says when and where it listens."""

import argparse
import sys
from pathlib import Path

from gelombang.errors import ExitCode, GelombangError, HostError
from gelombang_server.supervisor import run_server


def main(arguments: list[str] | None = None) -> ExitCode:
    """Serve until SIGTERM or SIGINT; exit code 2 for orders that can't be followed, 1 when a process of the server dies."""
    parser = argparse.ArgumentParser(prog="python -m gelombang_server", description="The reference server of gelombang.")
    parser.add_argument("--config", type=Path, required=True, metavar="server.json", help="the run's orders for the server")
    parser.add_argument("--until-input-ends", action="store_true", help="end when standard input closes, too")
    options = parser.parse_args(arguments)
    try:
        return run_server(options.config, options.until_input_ends)
    except HostError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    except GelombangError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
