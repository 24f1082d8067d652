"""Which source of time the gateway follows, and the GNSS receiver as one of them."""
