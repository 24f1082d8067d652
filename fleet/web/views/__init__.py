"""What pages show, as values built from the stores' values; pure."""
