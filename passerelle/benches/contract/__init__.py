"""A month that an opponent tries to improve after the fact."""
