"""Releases of the agent itself: what is signed, brought here, tried, and taken back."""
