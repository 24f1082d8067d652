"""The bus written down line by line, and recorded configurations replayed on the virtual chip."""
