"""The one thread that owns the concentrator, and what it decides."""
