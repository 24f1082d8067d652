"""Every received frame on disk until its network server has it."""
