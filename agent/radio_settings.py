"""What the signed configuration adds to the settings of board and channel plan (pure).

Sources: hal/settings.py (``Sx1261Settings``, ``FineTimestampMode``); fine timestamps are the SX1303's.
Listening before talking is not offered: EN 300 220 lets duty cycles stand in its place, and acknowledgements,
which say what the radio did, know no transmission that was blocked.
"""

from dataclasses import replace

from agent.wire.configuration import RadioConfig
from hal.board_files import choose, with_extras
from hal.errors import OurMistake
from hal.settings import FineTimestampMode, Settings, Sx1261Settings


def settings_of(radio: RadioConfig, base: Settings) -> Settings:
    """Return ``base`` with the listening radio and fine timestamps that the configuration asks for.

    Raises:
        OurMistake: the board has no SX1261.
    """
    sx1261 = base.sx1261
    if radio.sx1261:
        board = choose(radio.board, plan=radio.region).board
        if board.sx1261 is None:
            raise OurMistake(f"{radio.board} has no SX1261", where="radio.sx1261")
        sx1261 = replace(sx1261 or Sx1261Settings(), rssi_offset_db=board.sx1261_rssi_offset_db)
    fine = FineTimestampMode(radio.fine_timestamp) if radio.fine_timestamp else base.fine_timestamp
    return with_extras(base, sx1261=sx1261, fine_timestamp=fine)
