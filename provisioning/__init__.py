"""The installer's side: flash an image, enrol a gateway, accept it on site."""
