"""The panels of a dashboard's JSON that draw something."""


def drawn(dashboard: dict) -> list[dict]:
    """All but the rows, in reading order."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]
