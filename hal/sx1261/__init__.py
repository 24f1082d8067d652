"""The listening radio, SX1261: listen-before-talk and spectral scan."""
