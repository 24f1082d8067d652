"""Tests: unit mirrors the packages, contract, stories, e2e drives real processes."""
