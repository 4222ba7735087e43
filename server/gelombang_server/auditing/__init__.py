"""Keeps the photos within a bound on the disk: the oldest are read back, written down as right, and only then removed."""
