"""The USB bridge of boards whose concentrator hangs on a microcontroller."""
