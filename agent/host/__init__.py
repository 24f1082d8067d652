"""The machine on which the agent runs: what it says of itself, and how it starts again."""
