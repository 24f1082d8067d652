"""One gateway, unattended: receive, keep, deliver, answer, tell."""
