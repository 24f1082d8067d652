"""Faults that people report: calls, mails, and what they answer by SMS."""
