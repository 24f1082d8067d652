"""Who restarts what, with a budget: recovery of the radio, the backhaul, the process."""
