"""The parts of the virtual board: radios, microcontrollers, FIFO, transmitter, thermometer."""
