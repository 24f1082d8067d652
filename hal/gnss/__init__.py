"""Time and place from a GNSS receiver: NMEA, UBX and the PPS."""
