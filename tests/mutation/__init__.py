"""Mutation testing of the pure cores: plants mistakes a person makes and counts those that a test finds."""
