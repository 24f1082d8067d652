"""The ways to the virtual chip: sockets, pseudo-terminals, this process."""
