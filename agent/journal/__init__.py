"""What happened on this gateway, on disk until the fleet has it."""
