"""Changes of many gateways: who is out meanwhile, which may go together, in which order."""
