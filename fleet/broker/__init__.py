"""The MQTT broker: its configuration, and our connection to it."""
