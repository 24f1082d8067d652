"""Work orders from their making to the acceptance on site that ends them."""
