"""Debian packages: what goes onto a gateway, a fleet's server and an installer's laptop."""
