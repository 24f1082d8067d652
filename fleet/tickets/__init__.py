"""What is worked: states, contract clocks, audit trail, links."""
