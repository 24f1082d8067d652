"""Outside judges of the paths to a network server: what each loses, with real components."""
