"""The command line: ``passerelle fleet …``."""
