"""Whether this gateway hears less than it should."""
