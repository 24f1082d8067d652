"""How this gateway is: vitals of the machine, heartbeats, expectation of frames."""
