"""One TOML file for each channel plan we know; see ``hal.board_files``."""
