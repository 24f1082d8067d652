"""The engine: messages in, one decision a second, and the watchdog above it."""
