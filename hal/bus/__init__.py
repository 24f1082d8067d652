"""From field writes to frames on the bus of the SX1302: framing, the shadow, the access."""
