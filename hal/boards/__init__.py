"""One TOML file for each board we know; see ``hal.board_files``."""
