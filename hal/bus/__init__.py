"""The bus of the SX1302: field writes become frames, and the shadow saves those that change nothing."""
