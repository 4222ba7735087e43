"""From the series of a run to one sentence: what fails where since when, whose fault it is, and what to turn."""
