"""Migrations of the schema, forwards only."""
