"""The agent's state on one screen: in a terminal and on the local page."""
