"""Communes with their borders, and what became of them: renamed, merged, new."""
