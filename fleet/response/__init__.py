"""What one cycle does about losses: decide, write down, page, fire what is due."""
