"""A frame at the antenna becomes bytes in the FIFO, or the reason why not."""
