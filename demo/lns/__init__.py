"""A small network server for demos and tests: acknowledges, deduplicates, checks MICs, joins, answers."""
