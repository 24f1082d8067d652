"""All gateways: registry, evidence, availability, incidents, tickets, configuration, pages."""
