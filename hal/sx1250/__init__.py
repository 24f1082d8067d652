"""The two analogue front ends, SX1250: commands and the order in which they are set up."""
