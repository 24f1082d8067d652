"""Virtual class A sensors: they join, send, and really listen in RX1 and RX2."""
