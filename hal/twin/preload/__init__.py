"""A C library that leads spidev and i2c-dev calls to a virtual chip; ``twin_preload.c`` says how."""
