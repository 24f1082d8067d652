"""Faults made for real against real processes; ``tests/soak/test_faults.py`` plays them."""
