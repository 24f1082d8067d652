"""Semtech UDP protocol, version 2."""
