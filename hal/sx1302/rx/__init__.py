"""Received frames: the bytes of the FIFO, their packets, their decoding."""
