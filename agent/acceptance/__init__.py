"""Acceptance of a gateway on its site: checks, a phone's page, a signed record, its upload."""
