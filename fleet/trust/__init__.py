"""What is a valid release: roles signed away from this host, and the lists that this host may sign."""
