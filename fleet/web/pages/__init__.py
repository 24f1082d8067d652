"""Routes of the pages: read the stores, build a view, render; decide nothing."""
