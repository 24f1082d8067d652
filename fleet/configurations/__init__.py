"""What each gateway shall run: signed, versioned, pushed; beside what it says it runs."""
