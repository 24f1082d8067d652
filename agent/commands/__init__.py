"""Commands of the fleet: believed, carried out at most once, within a time, and answered."""
