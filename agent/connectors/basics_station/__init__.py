"""The LNS protocol of LoRa Basics Station, over WebSocket."""
