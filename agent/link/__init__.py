"""The MQTT session with the fleet: presence, heartbeats, journal up; configuration and commands down."""
