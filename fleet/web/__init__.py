"""What people see: pages, components, translation and French formats."""
