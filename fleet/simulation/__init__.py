"""The virtual network: weather goes in, the truth and the facts that it leaves come out; from a seed."""
