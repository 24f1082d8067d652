"""What a gateway runs on, and how it is replaced: concentrator firmware, images, releases."""
