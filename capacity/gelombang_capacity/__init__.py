"""The simulator: the same scenario as a live run, against a model of the site, in virtual time."""
