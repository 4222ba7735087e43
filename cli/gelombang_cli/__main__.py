"""`python -m gelombang_cli` is the `gelombang` command."""

from gelombang_cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
