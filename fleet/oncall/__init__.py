"""Who is on call, when, and where to reach them."""
