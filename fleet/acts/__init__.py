"""What people do to a ticket: one function for every door, with the same rules, refusals and trail."""
