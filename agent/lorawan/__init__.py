"""LoRaWAN frames as values: read and written without any key."""
