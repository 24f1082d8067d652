"""Messages about tickets: who is told, when, in which words, again and again until somebody acts."""
