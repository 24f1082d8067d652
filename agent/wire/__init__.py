"""The published language: what a gateway says to the fleet and what it obeys.

Pure values and codecs only: no clock, no socket, no disk.  Fields are only ever appended, because
gateways are upgraded last; unknown trailing fields are ignored by old readers.
"""
