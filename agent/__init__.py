"""One gateway, unattended: receive, keep, deliver, answer, tell."""

RELEASE = "0.1.0"
"""The version of the package, as ``pyproject.toml`` has it: reading the installed metadata holds 1 MB."""
