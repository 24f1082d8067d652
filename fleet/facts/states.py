"""The states of a gateway and of a commune, and their causes: each has one name, everywhere."""

from enum import StrEnum


class GatewayState(StrEnum):
    """State of one gateway at an instant (AVAILABILITY §2)."""

    __hash__ = str.__hash__

    OUT = "OUT"
    SERVING = "SERVING"
    MAINTENANCE = "MAINTENANCE"
    BUFFERING = "BUFFERING"
    DOWN = "DOWN"
    UNKNOWN = "UNKNOWN"


LOST_STATES = frozenset({GatewayState.DOWN, GatewayState.BUFFERING})
"""A gateway in one of these does not deliver: its loss is somebody's work."""

JUDGED_STATES = LOST_STATES | {GatewayState.SERVING}
"""The others say nothing about the gateway (UNKNOWN), or were announced (MAINTENANCE, OUT)."""


class CommuneState(StrEnum):
    """State of one commune at an instant (AVAILABILITY §3)."""

    __hash__ = str.__hash__

    SERVED = "SERVED"
    UNKNOWN = "UNKNOWN"
    EXCLUDED = "EXCLUDED"
    LOST = "LOST"
    NOT_COVERED = "NOT_COVERED"


class Cause(StrEnum):
    """Why an interval is not SERVING (AVAILABILITY §2)."""

    __hash__ = str.__hash__

    NONE = "none"
    POWER = "power"
    BACKHAUL = "backhaul"
    LNS = "lns"
    BOX = "box"
    RADIO = "radio"
    OURS = "ours"
    UNKNOWN = "unknown"
