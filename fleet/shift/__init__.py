"""The main courante: the log of the shift and its handover."""
