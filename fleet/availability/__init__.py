"""The contract, measured: facts go in, a partition of the month comes out (AVAILABILITY.md); pure."""
