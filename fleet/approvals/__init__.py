"""What is signed was asked for by a person, and by a second one where the setting wants it; see README.md."""
