"""The air as gateways saw it: how full, how noisy, who hears less than expected; see README.md."""
