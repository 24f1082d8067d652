"""The eleven gateways of Touraine-Est Vallées: what exists, and what they said before a power cut."""

from typing import Any

from agent.wire.messages import Change, ConnectorBeat, Heartbeat, Radio, TimeQuality, encode
from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.evidence.deliveries import SLOT_US, SLOTS

NOW_US = 1_795_354_620_000_000
"""dim. 22 nov. 2026, 14:37 in Paris."""
SHY = 3
"""Was away for 25 minutes three days ago."""
BUFFERING = 6
"""Its network server does not answer."""

COMMUNES = {
    "37015": ("Azay-sur-Cher", 3100, 47.3497, 0.8436),
    "37052": ("Chançay", 1180, 47.4489, 0.8756),
    "37273": ("La Ville-aux-Dames", 5300, 47.3961, 0.7803),
    "37124": ("Larçay", 2500, 47.3678, 0.7806),
    "37153": ("Monnaie", 4700, 47.5014, 0.7869),
    "37156": ("Montlouis-sur-Loire", 10900, 47.3897, 0.8278),
    "37194": ("Reugny", 1700, 47.4789, 0.8822),
    "37267": ("Véretz", 4500, 47.3592, 0.8067),
    "37270": ("Vernou-sur-Brenne", 2700, 47.4192, 0.8472),
    "37281": ("Vouvray", 3200, 47.4111, 0.7989),
}
HANGS = [
    ("37156", "Mairie"),
    ("37015", "Église Sainte-Madeleine"),
    ("37052", "Mairie"),
    ("37273", "Château d'eau"),
    ("37124", "Église Saint-Symphorien"),
    ("37153", "Château d'eau"),
    ("37194", "Église Saint-Médard"),
    ("37270", "Église de la Sainte-Trinité"),
    ("37281", "Mairie"),
    ("37015", "Château d'eau"),
    ("37015", "Salle des fêtes"),
]


def eui_of(index: int) -> str:
    """Return the EUI of gateway ``index``."""
    return f"0016c001f1{index:06x}"


DARK = (eui_of(1), eui_of(9), eui_of(10))
"""Azay-sur-Cher's three, on one feeder."""


def registry_document() -> dict[str, Any]:
    """Return the import file of the sample."""
    epci = "CC Touraine-Est Vallées"
    return {
        "communes": [
            {
                "insee": insee,
                "name": name,
                "epci": epci,
                "departement": "37",
                "population": population,
                "lat": lat,
                "lon": lon,
            }
            for insee, (name, population, lat, lon) in COMMUNES.items()
        ],
        "sites": [
            {
                "key": f"site-{index}",
                "name": name,
                "commune_insee": insee,
                "kind": "other",
                "address": "1 place de la Mairie",
                "lat": COMMUNES[insee][2] + 0.004 * (index % 3),
                "lon": COMMUNES[insee][3] + 0.006 * (index % 2),
                "access_notes": "Clé à la mairie",
                "power_feeder": f"Départ {COMMUNES[insee][0]}",
            }
            for index, (insee, name) in enumerate(HANGS)
        ],
        "gateways": [
            {
                "eui": eui_of(index),
                "name": f"{COMMUNES[insee][0]} · {name}",
                "site_key": f"site-{index}",
                "backhaul_operator": "Orange" if index % 2 else "Bouygues",
                "status": "accepted",
            }
            for index, (insee, name) in enumerate(HANGS)
        ],
        "memberships": [
            {"commune_insee": insee, "eui": eui_of(index)} for index, (insee, _) in enumerate(HANGS)
        ]
        + [{"commune_insee": "37267", "eui": eui_of(4)}],
    }


def runs_of(index: int) -> list[dict[str, Any]]:
    """Return the heartbeats of one gateway since it hangs: whole but for what the sample tells."""
    start_us, end_us = NOW_US - 20 * DAY_US, NOW_US - 9_000_000
    if eui_of(index) in DARK:
        end_us = NOW_US - 68 * MINUTE_US
    if index == SHY:
        gap_us = NOW_US - 3 * DAY_US
        return [
            _run(index, 7, start_us, gap_us),
            _run(index, 8, gap_us + 25 * MINUTE_US, end_us),
        ]
    if index == BUFFERING:
        cut_us = NOW_US - 7 * MINUTE_US
        return [_run(index, 7, start_us, cut_us), _run(index, 7, cut_us + 30_000_000, end_us, lns_up=False)]
    return [_run(index, 7, start_us, end_us)]


def _run(index: int, boot: int, from_us: int, until_us: int, *, lns_up: bool = True) -> dict[str, Any]:
    born_us = NOW_US - 20 * DAY_US
    beat_us = 30_000_000
    count = (until_us - from_us) // beat_us
    first = (from_us - born_us) // beat_us
    return {
        "eui": eui_of(index),
        "boot": boot,
        "first_seq": first,
        "last_seq": first + count,
        "first_uptime_ms": (from_us - born_us) // 1000,
        "last_uptime_ms": (from_us - born_us + count * beat_us) // 1000,
        "first_at_us": from_us,
        "last_at_us": from_us + count * beat_us,
        "interval_ms": 30_000,
        "journal_seq": 4 if lns_up else 5,
        "radio": int(Radio.RECEIVING),
        "contractual": "lns",
        "lns_up": lns_up,
        "spool_accepting": True,
        "time_quality": int(TimeQuality.NTP),
        "trusted": True,
        "recorded_at_us": from_us + count * beat_us,
    }


def journal_of(index: int) -> list[dict[str, Any]]:
    """Return what the gateway wrote down: its first start, and the loss of its network server."""
    born_us = NOW_US - 20 * DAY_US
    told = [(4, born_us, Change.CONNECTOR, "lns", "UP", "PULL_ACK")]
    if index == BUFFERING:
        told.append(
            (5, NOW_US - 7 * MINUTE_US + 5_000_000, Change.CONNECTOR, "lns", "DOWN", "no answer for 30 s")
        )
    return [
        {
            "eui": eui_of(index),
            "boot": 7,
            "journal_seq": number,
            "uptime_ms": (at_us - born_us) // 1000,
            "at_us": at_us,
            "time_quality": int(TimeQuality.NTP),
            "change": int(change),
            "subject": subject,
            "value": value,
            "reason": reason,
            "recorded_at_us": at_us + 200_000,
        }
        for number, at_us, change, subject, value, reason in told
    ]


def deliveries_of(index: int) -> list[dict[str, Any]]:
    """Return what an LNS acknowledged, hour by hour for two days, with a rhythm of day and night."""
    end_us = runs_of(index)[-1]["last_at_us"] // HOUR_US * HOUR_US
    return [
        {
            "eui": eui_of(index),
            "boot": 7,
            "seq": 100_000 + hour,
            "connector": "lns",
            "received_from_at_us": end_us - (hour + 1) * HOUR_US,
            "received_until_at_us": end_us - hour * HOUR_US - 1,
            "acked_at_us": end_us - hour * HOUR_US,
            "frames": 40 + 11 * index + 6 * abs(12 - (hour + 3) % 24),
            "dropped": {},
            "recorded_at_us": end_us - hour * HOUR_US,
        }
        for hour in range(48)
    ]


def frames_of(index: int) -> list[dict[str, Any]]:
    """Return the same frames by five minutes, a row a day."""
    days: dict[int, list[int]] = {}
    for row in deliveries_of(index):
        day, inside_us = divmod(row["received_until_at_us"], DAY_US)
        days.setdefault(day, [0] * SLOTS)[inside_us // SLOT_US] += row["frames"]
    return [{"eui": eui_of(index), "day_number": day, "slots": slots} for day, slots in days.items()]


UNBALANCED = 3
"""This gateway's count of frames is wrong."""
UNBALANCED_FRAMES = 26


def heartbeat(index: int) -> bytes:
    """Return the last heartbeat of one gateway as it came."""
    return encode(
        Heartbeat(
            boot=7,
            seq=9_000,
            uptime_ms=270_000_000,
            journal_seq=4,
            at_us=NOW_US - 9_000_000,
            time_quality=TimeQuality.NTP,
            radio=Radio.RECEIVING,
            connectors=(ConnectorBeat("lns", True, 1200),),
            spool_records=0 if index != 6 else 1615,
            spool_accepting=True,
            received=18_000 + 31 * index,
            delivered=18_000 + 31 * index,
            dropped=0,
            config_version=1,
            temperature_c=31,
            cpu_percent=4,
            memory_percent=38,
            unbalanced_frames=UNBALANCED_FRAMES if index == UNBALANCED else 0,
        )
    )


PICTURED = {0: 11 * 24, 1: 30}
"""Gateways that sent RF pictures: how many hours of them, up to their last word."""
CHANNELS_HZ = tuple(range(867_100_000, 868_600_000, 200_000))


def pictures_of(index: int) -> list[dict[str, Any]]:
    """Return the RF pictures of one gateway, an hour apart; the agent began anew half way."""
    hours, end_us = PICTURED[index], runs_of(index)[-1]["last_at_us"]
    rows, frames = [], 0
    for hour in range(hours):
        at_us = end_us - (hours - hour) * HOUR_US
        frames = 0 if hour == hours // 2 else frames + 3 + abs(12 - at_us // HOUR_US % 24)
        cells = {
            f"{hz}.{sf}": f"{frames * (13 - sf)}/{frames // 9}/{frames * (13 - sf) * 2**sf // 3}"
            for hz in CHANNELS_HZ
            for sf in range(7, 13)
        }
        noise = {f"noise_estimated.{hz}": -116.0 + number + hour % 3 for number, hz in enumerate(CHANNELS_HZ)}
        rows.append(_note(index, hour, at_us, "rf_picture", cells | noise | {"noise_floor": "estimated"}))
    return rows


def details_of(index: int) -> list[dict[str, Any]]:
    """Return details of three days, four a day; the newest is too warm and lacks voltage."""
    end_us = runs_of(index)[-1]["last_at_us"]
    rows = []
    for number in range(12):
        last = number == 11
        told = {"cpu_load_1min": 0.4 + number % 3 / 10, "disk_free_mb": 80_291, "under_voltage": int(last)}
        told |= {
            "concentrator_c": 71.5 if last else 38.0 + number % 4,
            "gnss_satellites": 9,
            "spool_count": 0,
        }
        told |= {"duty_g1_used_percent": 12.5, "net_eth0_sent_kb": 900 * number, "lns_lns_up": 1}
        rows.append(_note(index, 1_000 + number, end_us - (12 - number) * 6 * HOUR_US, "details", told))
    return rows


def _note(index: int, seq: int, at_us: int, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    told = {"eui": eui_of(index), "boot": 7, "seq": seq, "at_us": at_us, "name": name, "fields": fields}
    return told | {"recorded_at_us": at_us + 200_000}


def vitals_of(index: int) -> list[dict[str, Any]]:
    """Return health details by the hour, two days of them, with a gap of three hours."""
    end_us = runs_of(index)[-1]["last_at_us"] // HOUR_US * HOUR_US
    rows = []
    for hour in (hour for hour in range(48) if hour not in (8, 9, 10)):
        warm, rtt = 30 + hour % 12, 40 + 5 * (hour % 7)
        told = {"temperature_c": [12, 12 * warm, warm - 2, warm + 3], "spool_records": [12, 0, 0, hour % 5]}
        told |= {"backhaul_rtt_ms": [12, 12 * rtt, rtt - 9, rtt + 60]}
        rows.append(
            {"eui": eui_of(index), "span_s": 3_600, "from_at_us": end_us - hour * HOUR_US, "told": told}
        )
    return rows
