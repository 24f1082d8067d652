"""The digital concentrator chip: registers, microcode, channels, FIFO, counters, transmission."""
