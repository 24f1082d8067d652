"""The concentrator as a Python object; knows nothing of networks."""
