"""Work that takes seconds and much memory, in a process of its own beside the engine; see README.md."""
