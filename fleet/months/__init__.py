"""Months: their input from the evidence, closing, versions, and the check that they still follow."""
