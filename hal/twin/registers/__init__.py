"""The address space of the virtual chip: values after power-on, special registers, program memory."""
