"""Messages in: decoded, deduplicated, stored once, append-only."""
