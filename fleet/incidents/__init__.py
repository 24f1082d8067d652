"""Outages people must know of: correlated, graded, followed to their end."""
