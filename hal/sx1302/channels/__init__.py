"""The receive side as register writes: radios, channels, modems."""
