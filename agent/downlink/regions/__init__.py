"""Regional plans as data: which band, how loud, how long."""
