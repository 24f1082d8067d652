"""ChirpStack v4's gateway API over MQTT."""
