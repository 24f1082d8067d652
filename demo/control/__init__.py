"""The demo's hand on the world: cut a backhaul, kill a power feeder, silence a radio or the LNS."""
