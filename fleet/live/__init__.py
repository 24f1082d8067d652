"""The network as it stands at this instant, for pages and for incident rules."""
