"""The product on one machine: virtual chips, sensors, a small LNS, and the same commands as in production."""
