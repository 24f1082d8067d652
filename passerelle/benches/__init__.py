"""One module a benchmark; each has ``measure() -> list[Figure]``."""
