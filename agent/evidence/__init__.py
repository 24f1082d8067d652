"""What the data path proves to the fleet: states, deliveries, addresses heard."""
