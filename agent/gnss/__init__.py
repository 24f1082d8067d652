"""A GNSS receiver at the gateway: UTC from its messages and its pulse per second."""
