"""One archive from which a fleet comes back on another machine."""
