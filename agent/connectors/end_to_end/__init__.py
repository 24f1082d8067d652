"""A virtual test device: its confirmed uplinks prove that the network server processes frames."""
