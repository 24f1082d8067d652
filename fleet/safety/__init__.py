"""May these gateways be out at the same time: one answer for permits, rollouts, works and people on site."""
