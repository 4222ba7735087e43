"""What is drawn of a run: the panels of every page, said once, read from Prometheus or from a run's own files."""
