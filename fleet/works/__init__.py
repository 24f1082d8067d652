"""Planned works: announced, withdrawn, and told to the EPCI concerned."""
