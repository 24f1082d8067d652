"""The ports of ``hal.ports`` on Linux: thin, without decisions, imported when a board is opened."""
