"""Transmissions: register writes, triggers, listen-before-talk."""
