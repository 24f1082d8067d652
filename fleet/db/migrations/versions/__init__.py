"""One migration a file, in order; the first ones make the tables of each feature."""
