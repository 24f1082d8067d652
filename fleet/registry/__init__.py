"""What exists: communes, sites, gateways, which box hangs where, who is served by what."""
