"""What ``passerelle hal`` does, one module per sub-command."""
