"""On the spot: what is wrong with this gateway and what to do; a bundle for support without secrets."""
