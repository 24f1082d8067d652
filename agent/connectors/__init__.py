"""Network servers: one connector each, several at once."""
