"""Facts as values: what gateways said and people decided, contract settings, months of Europe/Paris; pure."""
