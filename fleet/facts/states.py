"""The words for what a gateway and a commune are, and why.  One word, everywhere."""

from enum import StrEnum


class GatewayState(StrEnum):
    """State of one gateway at an instant (AVAILABILITY §2)."""

    OUT = "OUT"
    SERVING = "SERVING"
    MAINTENANCE = "MAINTENANCE"
    BUFFERING = "BUFFERING"
    DOWN = "DOWN"
    UNKNOWN = "UNKNOWN"


class CommuneState(StrEnum):
    """State of one commune at an instant (AVAILABILITY §3)."""

    SERVED = "SERVED"
    UNKNOWN = "UNKNOWN"
    EXCLUDED = "EXCLUDED"
    LOST = "LOST"
    NOT_COVERED = "NOT_COVERED"


class Cause(StrEnum):
    """Why an interval is not SERVING (AVAILABILITY §2)."""

    NONE = "none"
    POWER = "power"
    BACKHAUL = "backhaul"
    LNS = "lns"
    BOX = "box"
    RADIO = "radio"
    OURS = "ours"
    UNKNOWN = "unknown"
