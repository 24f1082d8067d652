"""The time of the chip: counters, timeline, timestamps of frames."""
