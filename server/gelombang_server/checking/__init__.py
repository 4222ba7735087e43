"""Photos are looked at once more after they were acknowledged: decoded whole, by processes that may die of it. Switched on by a profile."""
