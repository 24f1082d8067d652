"""The channels in a router_config, pure: what the server would have the radio listen to.

Sources: doc.sm.tc/station, "The LNS Protocol", router_config; the objects are those of Semtech's
``global_conf.json``, one a board.
"""

import msgspec

from agent.connectors.basics_station.router import RouterError
from agent.connectors.radio_plan import RadioPlan, plan_of
from hal.errors import OurMistake
from hal.global_conf import ROOT, settings_of

BOARD_KEYS = ("SX1302_conf", "sx1302_conf", "SX1301_conf", "sx1301_conf", "radio_conf")


def server_plan(message: bytes) -> RadioPlan | None:
    """Return the channels of the first board; None when the server leaves the radio to us.

    Raises:
        RouterError: a board that is none, or channels that no concentrator has.
    """
    try:
        found = msgspec.json.decode(message, type=dict[str, object])
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise RouterError(f"router_config: {error}") from error
    name = next((key for key in BOARD_KEYS if found.get(key)), None)
    if name is None:
        return None
    boards = found[name]
    board = boards[0] if isinstance(boards, list) else boards
    if not isinstance(board, dict):
        raise RouterError(f"{name}: no object for the board")
    try:
        return plan_of(settings_of({ROOT: {key: _any_radio(value) for key, value in board.items()}}))
    except (OurMistake, TypeError, ValueError) as error:
        raise RouterError(f"{name}: {error}") from error


def _any_radio(value: object) -> object:
    """Return a part of a board without its radio's type: a server need not know which one we have."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if key not in {"type", "tx_enable"}}
