"""Properties are about values: a loaded machine is no failure, and fifty examples a run are enough."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None, max_examples=50)
settings.load_profile("unhurried")
