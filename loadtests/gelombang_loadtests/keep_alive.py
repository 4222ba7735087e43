"""How long a connection that nobody uses is kept.

The pool closes idle connections by it, and the engine, which knows no connection, takes whoever waits as long for a message to be away:
their line is closed by then, so nothing of theirs is worth keeping at hand.
"""

KEEP_ALIVE_SECONDS = 5.0
"""Wall seconds, where nothing else is said."""
