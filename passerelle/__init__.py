"""The one command, `passerelle`."""
