"""The server's end of the ledger, written by somebody's own service: a WSGI and an ASGI middleware. `docs/ledger.md` has the format."""
