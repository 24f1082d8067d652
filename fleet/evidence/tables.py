"""Tables of evidence: append-only facts as the gateways and our own eyes gave them (AVAILABILITY §1).

``recorded_at_us`` is when we learnt it; other instants are what the message says.  A key made of the EUI, the
boot and a sequence number identifies a message for ever: storing it twice changes nothing.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from fleet.db.base import metadata

heartbeat_runs = Table(
    "heartbeat_runs",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("first_seq", BigInteger, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("first_uptime_ms", BigInteger, nullable=False),
    Column("last_uptime_ms", BigInteger, nullable=False),
    Column("first_at_us", BigInteger, nullable=False),
    Column("last_at_us", BigInteger, nullable=False),
    Column("interval_ms", Integer, nullable=False),
    Column("journal_seq", BigInteger, nullable=False),
    Column("radio", Integer, nullable=False),
    Column("contractual", String(32), nullable=False),
    Column("lns_up", Boolean, nullable=False),
    Column("spool_accepting", Boolean, nullable=False),
    Column("time_quality", Integer, nullable=False),
    Column("trusted", Boolean, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Index("ix_heartbeat_runs_eui_last_at_us", "eui", "last_at_us"),
    Index("ix_heartbeat_runs_last_at_us", "last_at_us"),
)
"""Heartbeats without a gap that said the same (``fleet.facts.model.HeartbeatRun``)."""

journal_records = Table(
    "journal_records",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("journal_seq", BigInteger, primary_key=True),
    Column("uptime_ms", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("time_quality", Integer, nullable=False),
    Column("change", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since_ms", BigInteger),
    Column("previous_boot", BigInteger),
    Column("previous_uptime_ms", BigInteger),
    Column("previous_at_us", BigInteger),
    Column("previous_time_quality", Integer),
    Column("previous_clean", Boolean),
    Column("previous_journal_seq", BigInteger),
    Column("recorded_at_us", BigInteger, nullable=False),
    Index("ix_journal_records_recorded_at_us", "recorded_at_us"),
    Index("ix_journal_records_eui_recorded_at_us", "eui", "recorded_at_us"),
)

journal_progress = Table(
    "journal_progress",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("through_seq", BigInteger, nullable=False),
    Column("expected_seq", BigInteger, nullable=False),
    Column("gone", BigInteger, nullable=False),
)
"""How far the journal of a boot is settled (``fleet.evidence.acknowledgement``)."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("connector", String(32), nullable=False),
    Column("received_from_at_us", BigInteger, nullable=False),
    Column("received_until_at_us", BigInteger, nullable=False),
    Column("acked_at_us", BigInteger, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("dropped", JSON, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("last_seq", BigInteger),
    Index("ix_deliveries_received_until_at_us", "received_until_at_us"),
    Index("ix_deliveries_recorded_at_us", "recorded_at_us"),
)
"""Proofs of delivery, as runs (``fleet.evidence.deliveries``); ``last_seq`` null: a single one."""

delivered_frames = Table(
    "delivered_frames",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("day_number", Integer, primary_key=True),
    Column("slots", JSON, nullable=False),
    Index("ix_delivered_frames_day_number", "day_number"),
)
"""Frames that an LNS acknowledged, by five minutes of their reception; days of UTC since 1970."""

notes = Table(
    "notes",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("name", String(64), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Index("ix_notes_recorded_at_us", "recorded_at_us"),
    Index("ix_notes_eui_name_recorded_at_us", "eui", "name", "recorded_at_us"),
)
"""Events for the operator's eyes."""

vitals = Table(
    "vitals",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("span_s", Integer, primary_key=True),
    Column("from_at_us", BigInteger, primary_key=True),
    Column("told", JSON, nullable=False),
    Index("ix_vitals_span_s_from_at_us", "span_s", "from_at_us"),
)
"""Health details, summed over an hour or a day (``span_s``): by name count, sum, lowest, highest."""

heard = Table(
    "heard",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("address", String(16), primary_key=True),
    Column("hours", Integer, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("best_rssi_dbm", Integer, nullable=False),
    Column("best_snr_db", Float, nullable=False),
    Column("lowest_sf", Integer, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Index("ix_heard_day", "day"),
    Index("ix_heard_recorded_at_us", "recorded_at_us"),
)
"""Sketches of addresses (AVAILABILITY §9); the later message of a day replaces the earlier."""

heard_packed = Table(
    "heard_packed",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("addresses", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("ix_heard_packed_day", "day"),
)
"""A gateway's day that is over: each DevAddr and its best RSSI (``fleet.evidence.sketches``)."""

latest = Table(
    "latest",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("online", Boolean),
    Column("presence_boot", BigInteger),
    Column("presence_at_us", BigInteger),
    Column("heartbeat", LargeBinary),
    Column("heartbeat_at_us", BigInteger),
)
"""Last word of each gateway: presence is a hint for people, ``heartbeat`` the message itself (MessagePack);
``*_at_us`` is when we received it."""

presence_edges = Table(
    "presence_edges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("eui", String(16), nullable=False, index=True),
    Column("online", Boolean, nullable=False),
    Column("boot", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False, index=True),
)
"""For operators only, never for availability; bounded by retention."""

blindness = Table(
    "blindness",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("from_at_us", BigInteger, nullable=False, index=True),
    Column("until_at_us", BigInteger),
    Column("path", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
)
"""Positive proof that we ourselves could not see (AVAILABILITY §4); open while ``until_at_us`` is null."""

quarantines = Table(
    "quarantines",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("eui", String(16), nullable=False, index=True),
    Column("began_at_us", BigInteger, nullable=False),
    Column("ended_at_us", BigInteger),
    Column("budget", String(64), nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("beyond_at_us", BigInteger, nullable=False),
    Column("ended_by", String(100), nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
)
"""Gateways to which we did not listen (``fleet.evidence.quarantine``); open while ``ended_at_us`` is null."""

maintenances = Table(
    "maintenances",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("euis", JSON, nullable=False),
    Column("from_at_us", BigInteger, nullable=False),
    Column("until_at_us", BigInteger, nullable=False, index=True),
    Column("announced_at_us", BigInteger, nullable=False),
    Column("approved_by", String(100), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("withdrawn", Boolean, nullable=False, server_default="0"),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("withdrawn_at_us", BigInteger),
    Column("withdrawn_by", String(100), nullable=False, server_default=""),
)
"""Planned works (AVAILABILITY §5); ``withdrawn_at_us`` is when the withdrawal was recorded."""

statements = Table(
    "statements",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("eui", String(16), nullable=False, index=True),
    Column("from_at_us", BigInteger, nullable=False),
    Column("until_at_us", BigInteger, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("responsible", String(100), nullable=False, server_default=""),
    Column("text", Text, nullable=False),
    Column("who", String(100), nullable=False),
    Column("withdrawn", Boolean, nullable=False, server_default="0"),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("suspected", Boolean, nullable=False, server_default="0"),
)
"""What a person says was the cause, or the fleet suspects of a change of ours; it changes no state."""

refused_messages = Table(
    "refused_messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("payload_bytes", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
)
"""Messages that could not be used, kept for inspection; the newest ``REFUSED_KEPT``."""

incoherences = Table(
    "incoherences",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("refused", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("last_at_us", BigInteger, nullable=False),
)
"""Gateways that gave numbers that no gateway can mean: how often, the newest reason, and when it came."""

marks = Table(
    "marks",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
)
"""Instants of our own life, such as the last cycle: what a restart finds is how long nobody looked."""

counters = Table(
    "counters",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""Totals since installation: stored, repeated, refused by reason."""

reported_configurations = Table(
    "reported_configurations",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", Integer, nullable=False),
    Column("seen_version", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
)

clock_events = Table(
    "clock_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("change", String(16), nullable=False),
    Column("quality", String(16), nullable=False),
    Column("difference_us", BigInteger, nullable=False),
    Column("shift_us", BigInteger, nullable=False),
    Column("from_at_us", BigInteger),
)
"""What happened to our own clock (``fleet.evidence.clock_events``); the newest ``EVENTS_KEPT``."""
