"""MQTT topics, ``vdl/1/{eui}/…`` (DESIGN §5), and who may write what.

A gateway's certificate lets it write ``GATEWAY_WRITES`` and read ``GATEWAY_READS`` below its own EUI,
nothing else; ``broker_acl`` renders that for Mosquitto.
"""

PREFIX = "vdl/1"

PRESENCE = "presence"
HEALTH = "health"
JOURNAL = "journal"
JOURNAL_ACK = "journal/ack"
EVENT = "event"
CONFIG_DESIRED = "config/desired"
CONFIG_REPORTED = "config/reported"
COMMAND = "command"
REPLY = "reply"
NEIGHBOURS = "neighbours"

GATEWAY_WRITES = (PRESENCE, HEALTH, JOURNAL, EVENT, CONFIG_REPORTED, f"{REPLY}/+")
GATEWAY_READS = (CONFIG_DESIRED, f"{COMMAND}/+", JOURNAL_ACK, NEIGHBOURS, PRESENCE)
"""The last: a broker that no longer gives a gateway its own presence has taken its rights away."""


def topic(eui: str, leaf: str) -> str:
    """Return the topic of one gateway.

    >>> topic("0016c001f12a3b4c", HEALTH)
    'vdl/1/0016c001f12a3b4c/health'
    """
    return f"{PREFIX}/{eui}/{leaf}"


def split(full: str) -> tuple[str, str]:
    """Return (eui, leaf) of a topic; the inverse of ``topic``.

    Raises:
        ValueError: the topic is not one of ours.
    """
    parts = full.split("/", 3)
    if len(parts) != 4 or f"{parts[0]}/{parts[1]}" != PREFIX or not parts[2] or not parts[3]:
        raise ValueError(f"topic: {full!r} is not {PREFIX}/EUI/…")
    return parts[2], parts[3]
