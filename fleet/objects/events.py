"""One uplink event of ChirpStack's MQTT integration: which object reported, when, by which gateways; pure.

Its DevAddr and frame counter name the frame to gateways that hold a copy (``recent``).

Nothing else of the event is read: no payload, no place, no key.
Sources: ChirpStack v4 documentation, "Integrations / MQTT" (topic ``application/ID/device/EUI/event/up``) and
"Event types" (``time``, ``deviceInfo.devEui``, ``devAddr``, ``fCnt``, ``rxInfo[].gatewayId``).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from agent.wire.eui import parse_eui
from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.lang.paris import instant_us, paris

TOPIC = "application/+/device/+/event/up"
EVENT_LIMIT_BYTES = 64 * 1024
"""An event with every gateway of the network in its ``rxInfo`` is far below."""
GATEWAYS_LIMIT = 256
"""Gateways that received one uplink; an event with more is refused."""
PAST_LIMIT_US = 14 * DAY_US
"""Older events count for no figure that is still open; the LNS keeps none that long."""
FUTURE_LIMIT_US = 5 * MINUTE_US
"""By how much the clock of the LNS may be ahead of ours."""


class EventError(ValueError):
    """An event that cannot be used; says why, without repeating it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An object was heard on a day of Paris."""

    dev_eui: str
    day: str
    at_us: int
    gateways: frozenset[str] = frozenset()
    """Through which it was received; empty: the event does not say."""
    address: str | None = None
    """DevAddr, 8 hexadecimal digits; None: the event does not say."""
    counter: int | None = None
    """Frame counter, as the LNS counts it."""


class _Received(msgspec.Struct):
    gateway: Annotated[str, msgspec.Meta(max_length=32)] = msgspec.field(name="gatewayId")


class _Device(msgspec.Struct):
    eui: Annotated[str, msgspec.Meta(max_length=32)] = msgspec.field(name="devEui")


class _Event(msgspec.Struct):
    device: _Device = msgspec.field(name="deviceInfo")
    address: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{8}$")] | None = msgspec.field(
        name="devAddr", default=None
    )
    counter: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] | None = msgspec.field(
        name="fCnt", default=None
    )
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    received: Annotated[tuple[_Received, ...], msgspec.Meta(max_length=GATEWAYS_LIMIT)] = msgspec.field(
        name="rxInfo", default=()
    )


_DECODER = msgspec.json.Decoder(_Event)


def read_event(topic: str, payload: bytes, now_us: int) -> Report:
    """Return who reported when, of one message of the MQTT integration.

    Raises:
        EventError: not an uplink event of one object, or one of another time.
    """
    parts = topic.split("/")
    report = read_uplink(payload, now_us)
    if len(parts) < 4 or not _same(parts[3], report.dev_eui):
        raise EventError("devEui: another in the topic than in the event")
    return report


def read_uplink(payload: bytes, now_us: int) -> Report:
    """Return who reported when; an event without a time was sent now.

    Raises:
        EventError: not an uplink event of one object, or one of another time.
    """
    if len(payload) > EVENT_LIMIT_BYTES:
        raise EventError(f"{len(payload)} bytes, at most {EVENT_LIMIT_BYTES}")
    try:
        event = _DECODER.decode(payload)
        dev_eui = parse_eui(event.device.eui)
        gateways = frozenset(parse_eui(one.gateway) for one in event.received)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EventError(f"not an uplink event in JSON: {type(error).__name__}") from None
    except ValueError:
        raise EventError("devEui or gatewayId: not 16 hexadecimal digits") from None
    at_us = now_us if event.time is None else instant_us(event.time)
    if not now_us - PAST_LIMIT_US <= at_us <= now_us + FUTURE_LIMIT_US:
        raise EventError("time: more than 14 days ago, or in the future")
    return Report(
        dev_eui=dev_eui,
        day=f"{paris(at_us):%Y-%m-%d}",
        at_us=at_us,
        gateways=gateways,
        address=None if event.address is None else event.address.lower(),
        counter=event.counter,
    )


def minutes_heard(report: Report) -> dict[tuple[str, int], int]:
    """Return in which minute of which hour each gateway received: (EUI, hour in microseconds UTC) → bits."""
    hour_us = report.at_us - report.at_us % HOUR_US
    bit = 1 << (report.at_us - hour_us) // MINUTE_US
    return {(eui, hour_us): bit for eui in report.gateways}


def _same(named: str, dev_eui: str) -> bool:
    try:
        return parse_eui(named) == dev_eui
    except ValueError:
        return False
