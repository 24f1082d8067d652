"""New configurations run on trial, and roll back unless the fleet says that it saw them work."""
