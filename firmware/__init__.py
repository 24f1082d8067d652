"""What a gateway runs on, and how it is replaced: the catalogue of concentrator firmware, images, releases."""
