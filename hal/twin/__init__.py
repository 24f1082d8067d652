"""A virtual SX1302/SX1303 that a driver cannot tell from silicon, and the air between many of them."""
