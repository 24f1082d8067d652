"""Write the messages of this version for ever: ``python -m tests.controlpath.golden_messages VERSION``.

``tests/compat/messages-VERSION.json`` holds leaf, bytes as hex, and what they say.  A released file is
never written again: today's code must read what old gateways say.
"""

import sys
from pathlib import Path

import msgspec

from agent.wire import reasons
from agent.wire.messages import (
    Change,
    ConfigReported,
    ConfigState,
    ConnectorBeat,
    Delivered,
    Gone,
    Heard,
    Heartbeat,
    JournalAcked,
    JournalBatch,
    JournalRecord,
    Noted,
    Presence,
    PreviousBoot,
    Radio,
    Reply,
    SeqSpan,
    TimeQuality,
    encode,
)

FOLDER = Path(__file__).parents[1] / "compat"
BOOT, AT_US = 2**62 + 7, 1_790_000_000_123_456
_LNS = ConnectorBeat("lns", True, 9_000, 3)
_PREVIOUS = PreviousBoot(BOOT - 1, 86_400_000, AT_US - 90_000_000, TimeQuality.NTP, False, 77)
_RECORDS = tuple(
    JournalRecord(BOOT, seq, seq * 1000, AT_US, TimeQuality.GNSS, change, "subject", "VALUE", "reason")
    for seq, change in enumerate(Change, start=2)
)
_BOOT_RECORD = JournalRecord(
    BOOT, 1, 0, AT_US, TimeQuality.UNTRUSTED, Change.BOOT, "agent", "STARTED", "", 0, _PREVIOUS
)
_SILENT = reasons.hearing.silent(silent_min=90, usual_frames=120)
_ROLLED_BACK = reasons.configuration.rolled_back(
    version=3, good_version=2, cause=reasons.configuration.not_confirmed(limit_s=300)
)
_CODED_RECORD = JournalRecord(
    BOOT, 99, 0, AT_US, TimeQuality.GNSS, Change.RECOVERY, "reboot", "STARTED", "", None, None, _SILENT
)
_BEAT = Heartbeat(
    boot=BOOT,
    seq=2_881,
    uptime_ms=86_400_040,
    journal_seq=78,
    at_us=AT_US,
    time_quality=TimeQuality.NTP,
    radio=Radio.RECEIVING,
    connectors=(_LNS,),
    spool_records=3,
    spool_accepting=True,
    received=5_000,
    delivered=4_997,
    dropped=2,
    config_version=12,
)
MESSAGES: tuple[tuple[str, msgspec.Struct], ...] = (
    ("presence", Presence(True, BOOT, AT_US)),
    ("presence", Presence(False, BOOT)),
    ("health", msgspec.structs.replace(_BEAT, crc_failed=None, transmitted=None)),
    (
        "health",
        msgspec.structs.replace(
            _BEAT,
            radio=Radio.DEAF,
            spool_accepting=False,
            connectors=(_LNS, ConnectorBeat("two", False, -1, 0)),
            temperature_c=51,
            cpu_percent=3,
            memory_percent=20,
            disk_percent=14,
            backhaul_rtt_ms=48,
            crc_failed=9,
            transmitted=4,
            interval_s=60,
        ),
    ),
    ("journal", JournalBatch((_BOOT_RECORD, *_RECORDS))),
    ("event", Delivered(BOOT, 1, "lns", AT_US, AT_US + 1, AT_US + 2, 40, {"age": 1})),
    ("event", Noted(BOOT, 2, AT_US, "details", {"disk_free_mb": 8000, "load": 0.5, "modem": "Orange F"})),
    ("event", Heard("2026-11-22", "26011bda", 0b1010, 40, -80, 7.5, 7)),
    *(("config/reported", ConfigReported(3, "ab" * 32, state, 4, "reason", AT_US)) for state in ConfigState),
    ("reply/c-1", Reply("c-1", True, "all well", AT_US)),
    ("journal", JournalBatch((_CODED_RECORD,))),
    ("event", Noted(BOOT, 3, AT_US, "hearing", {"ground": "silence"}, {"reason": _SILENT})),
    ("config/reported", ConfigReported(2, "ab" * 32, ConfigState.ROLLED_BACK, 3, "", AT_US, _ROLLED_BACK)),
    ("reply/c-2", Reply("c-2", False, "", AT_US, _ROLLED_BACK)),
    ("journal", JournalBatch((), (Gone(BOOT, 4, 9),))),
    ("journal/ack", JournalAcked(BOOT, 3, (SeqSpan(4, 9), SeqSpan(12, 12)))),
)


def named(message: object) -> object:
    """Return a message as names and values, so that appended fields do not disturb."""
    match message:
        case msgspec.Struct():
            return {name: named(getattr(message, name)) for name in message.__struct_fields__}
        case dict():
            return {name: named(value) for name, value in message.items()}
        case tuple() | list():
            return [named(one) for one in message]
        case _:
            return msgspec.to_builtins(message)


def main() -> None:
    """Write the file of the version that is named."""
    path = FOLDER / f"messages-{sys.argv[1]}.json"
    if path.exists():
        raise SystemExit(f"{path}: a released file is never written again")
    rows = [{"leaf": leaf, "hex": encode(one).hex(), "says": named(one)} for leaf, one in MESSAGES]
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")


if __name__ == "__main__":
    main()
