"""Figures of the silicon that several parts of the twin share.

Sources: FACTS §9 (32 MHz counter), §1 (2 MHz SPI), §4 (OTP model byte, version), §6.12 (bandwidth codes).
"""

TICKS_PER_SECOND = 32_000_000
TICKS_PER_US = 32
TICKS_PER_BUS_BYTE = 128
"""8 bits at 2 MHz are 4 µs."""
MODEL_SX1302, MODEL_SX1303 = 0x02, 0x03
VERSIONS = {MODEL_SX1302: 0x10, MODEL_SX1303: 0x12}
BANDWIDTHS_HZ = {4: 125_000, 5: 250_000, 6: 500_000}
"""The bandwidth that a code in the registers of a modem or of the transmitter stands for."""
