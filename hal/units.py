"""Units as types: a number that crosses a function says what it counts."""

from typing import NewType

Hz = NewType("Hz", int)
Dbm = NewType("Dbm", float)
Micros = NewType("Micros", int)
"""Microseconds on the 64-bit timeline of the concentrator counter; never wraps."""
CounterUs = NewType("CounterUs", int)
"""The counter as protocols carry it: microseconds modulo 2**32."""
Ticks32MHz = NewType("Ticks32MHz", int)
"""The counter as the chip shows it: 1/32 µs modulo 2**32."""
