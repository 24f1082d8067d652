"""Another HAL beside ours, both on the same twin, through the same random scenarios, field by field."""
