"""One virtual class A device (LoRaWAN 1.0.x, OTAA): a state, one pure step, and the two windows it hears in.

    state      event                       ->  state      commands
    Unjoined   Due                         ->  Joining    Emit(join-request), WakeAt(both windows over)
    Joining    Heard, in a window, valid   ->  Joined     WakeAt(first report)
    Joining    Due (windows over)          ->  Unjoined   WakeAt(later)
    Joined     Due                         ->  Joined     Emit(uplink), WakeAt(windows over)
    Joined     Heard, in a window, valid   ->  Joined     -        (acknowledged, or payload taken)
    otherwise                              ->  unchanged  -

Sources: LoRaWAN 1.0.4 §3.3 (receive windows), RP002-1.0.4 §2.4 (EU868: RX1 after 1 s, join after 5 s, RX2
869.525 MHz SF12).
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

from agent.lorawan.phy import (
    DataDown,
    DataUp,
    JoinRequest,
    PhyError,
    encode_data,
    encode_join_request,
    encode_without_mic,
    parse_phy,
)
from demo.crypto import (
    DOWN,
    UP,
    SessionKeys,
    crypt_payload,
    data_mic,
    mic,
    open_join_accept,
    session_keys,
)

SECOND_US = 1_000_000
JOIN_DELAY_US = 5 * SECOND_US
DATA_DELAY_US = 1 * SECOND_US
WINDOW_TOLERANCE_US = 2_000
"""A downlink's preamble may begin so far from its instant: a gateway must hold ±20 µs (LoRaWAN 1.0.4
§3.3.1), a device opens its window wider by its own clock error, here two symbols of SF7."""
FREQUENCY_TOLERANCE_HZ = 1_000
"""A synthesizer's step is 122 Hz; a LoRa receiver takes a quarter of the bandwidth."""
RX2 = (869_525_000, 12)
CHANNELS_HZ = (868_100_000, 868_300_000, 868_500_000)
"""The three that every EU868 device has before it joined and that every gateway hears."""
JOIN_RETRY_US = 20 * SECOND_US
AFTER_WINDOWS_US = 2 * SECOND_US
"""The device waits so long from RX2's start for an answer (a 33-byte join-accept at SF12 takes 1.8 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The instant asked for with ``WakeAt`` has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was emitted has left; ``ended_at_us`` opens the windows."""

    ended_at_us: int
    frequency_hz: int
    sf: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A downlink (inverted IQ) reached the device's antenna."""

    started_at_us: int
    frequency_hz: int
    sf: int
    phy: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """Send these bytes now."""

    phy: bytes
    frequency_hz: int
    sf: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeAt:
    """Give ``Due`` at this instant."""

    at_us: int


Event: TypeAlias = Due | Sent | Heard
Command: TypeAlias = Emit | WakeAt


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What is written into a device at the factory, and how it behaves."""

    dev_eui: str
    join_eui: str
    app_key: bytes
    sf: int = 7
    interval_us: int = 30 * SECOND_US
    confirmed_every: int = 4
    """Every n-th report asks for an acknowledgement; 0: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The receive windows of the device after its uplink."""

    rx1_at_us: int
    frequency_hz: int
    sf: int

    def open_for(self, heard: Heard) -> bool:
        """Whether a downlink begins in RX1 or RX2, on the right frequency and spreading factor."""
        rx1 = abs(heard.started_at_us - self.rx1_at_us) <= WINDOW_TOLERANCE_US
        rx2 = abs(heard.started_at_us - self.rx1_at_us - SECOND_US) <= WINDOW_TOLERANCE_US
        return (rx1 and _tuned(heard, self.frequency_hz, self.sf)) or (rx2 and _tuned(heard, *RX2))


def _tuned(heard: Heard, frequency_hz: int, sf: int) -> bool:
    return abs(heard.frequency_hz - frequency_hz) <= FREQUENCY_TOLERANCE_HZ and heard.sf == sf


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the device lived through."""

    joins_tried: int = 0
    joined: int = 0
    sent: int = 0
    acknowledgements_asked: int = 0
    acknowledged: int = 0
    payloads: tuple[bytes, ...] = ()
    outside_window: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Keys and counters of one join."""

    dev_addr: int
    keys: SessionKeys
    fcnt_up: int = 0
    fcnt_down: int = 0
    awaiting_ack: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """One device; ``session`` None is Unjoined or, with ``windows``, Joining."""

    identity: Identity
    dev_nonce: int = 0
    session: Session | None = None
    windows: Windows | None = None
    tally: Tally = Tally()


def step(sensor: Sensor, event: Event, now_us: int) -> tuple[Sensor, tuple[Command, ...]]:
    """Return the sensor after ``event`` and what it asks for."""
    match event:
        case Due():
            if sensor.session is None:
                return _ask_to_join(sensor, now_us)
            return _report(sensor, sensor.session, now_us)
        case Sent():
            delay_us = JOIN_DELAY_US if sensor.session is None else DATA_DELAY_US
            rx1_at_us = event.ended_at_us + delay_us
            windows = Windows(rx1_at_us=rx1_at_us, frequency_hz=event.frequency_hz, sf=event.sf)
            return replace(sensor, windows=windows), ()
        case Heard():
            return _hear(sensor, event)


def _ask_to_join(sensor: Sensor, now_us: int) -> tuple[Sensor, tuple[Command, ...]]:
    identity = sensor.identity
    nonce = sensor.dev_nonce + 1
    request = JoinRequest(
        join_eui=identity.join_eui, dev_eui=identity.dev_eui, dev_nonce=nonce & 0xFFFF, mic=bytes(4)
    )
    check = mic(identity.app_key, encode_join_request(request)[:-4])
    phy = encode_join_request(replace(request, mic=check))
    tally = replace(sensor.tally, joins_tried=sensor.tally.joins_tried + 1)
    return replace(sensor, dev_nonce=nonce, windows=None, tally=tally), (
        Emit(phy=phy, frequency_hz=_channel(sensor, nonce), sf=identity.sf),
        WakeAt(at_us=now_us + JOIN_RETRY_US),
    )


def _report(sensor: Sensor, session: Session, now_us: int) -> tuple[Sensor, tuple[Command, ...]]:
    identity, counter = sensor.identity, session.fcnt_up
    confirmed = identity.confirmed_every > 0 and counter % identity.confirmed_every == 0
    position = {"direction": UP, "address": session.dev_addr, "counter": counter}
    reading = counter.to_bytes(4, "big") + identity.sf.to_bytes(1, "big")
    frame = DataUp(
        dev_addr=session.dev_addr,
        fcnt=counter & 0xFFFF,
        confirmed=confirmed,
        fport=2,
        frm_payload=crypt_payload(session.keys.application, reading, **position),
    )
    check = data_mic(session.keys.network, encode_without_mic(frame), **position)
    tally = replace(
        sensor.tally,
        sent=sensor.tally.sent + 1,
        acknowledgements_asked=sensor.tally.acknowledgements_asked + confirmed,
    )
    after = replace(session, fcnt_up=counter + 1, awaiting_ack=confirmed)
    return replace(sensor, session=after, windows=None, tally=tally), (
        Emit(
            phy=encode_data(replace(frame, mic=check)),
            frequency_hz=_channel(sensor, counter),
            sf=identity.sf,
        ),
        WakeAt(at_us=now_us + identity.interval_us),
    )


def _channel(sensor: Sensor, turn: int) -> int:
    return CHANNELS_HZ[(turn + int(sensor.identity.dev_eui[-2:], 16)) % len(CHANNELS_HZ)]


def _hear(sensor: Sensor, heard: Heard) -> tuple[Sensor, tuple[Command, ...]]:
    try:
        frame = parse_phy(heard.phy)
    except PhyError:
        return sensor, ()
    ours = isinstance(frame, DataDown) and sensor.session and frame.dev_addr == sensor.session.dev_addr
    if sensor.windows is None or not sensor.windows.open_for(heard):
        missed = sensor.tally.outside_window + bool(ours)
        return replace(sensor, tally=replace(sensor.tally, outside_window=missed)), ()
    if isinstance(frame, DataDown) and sensor.session and ours:
        return _take_downlink(sensor, sensor.session, frame, heard.phy), ()
    if sensor.session is None:
        return _take_join_accept(sensor, heard)
    return sensor, ()


def _take_join_accept(sensor: Sensor, heard: Heard) -> tuple[Sensor, tuple[Command, ...]]:
    identity = sensor.identity
    fields = open_join_accept(identity.app_key, heard.phy)
    if fields is None:
        return sensor, ()
    keys = session_keys(
        identity.app_key,
        app_nonce=int.from_bytes(fields[:3], "little"),
        net_id=int.from_bytes(fields[3:6], "little"),
        dev_nonce=sensor.dev_nonce & 0xFFFF,
    )
    session = Session(dev_addr=int.from_bytes(fields[6:10], "little"), keys=keys)
    tally = replace(sensor.tally, joined=sensor.tally.joined + 1)
    first_report_us = heard.started_at_us + AFTER_WINDOWS_US
    return replace(sensor, session=session, windows=None, tally=tally), (WakeAt(at_us=first_report_us),)


def _take_downlink(sensor: Sensor, session: Session, frame: DataDown, raw: bytes) -> Sensor:
    counter = (session.fcnt_down & ~0xFFFF) | frame.fcnt
    position = {"direction": DOWN, "address": session.dev_addr, "counter": counter}
    if counter < session.fcnt_down or data_mic(session.keys.network, raw[:-4], **position) != frame.mic:
        return sensor
    acknowledged = frame.ack and session.awaiting_ack
    plain = crypt_payload(session.keys.application, frame.frm_payload, **position)
    tally = replace(
        sensor.tally,
        acknowledged=sensor.tally.acknowledged + acknowledged,
        payloads=(*sensor.tally.payloads, plain)[-16:] if plain else sensor.tally.payloads,
    )
    after = replace(session, fcnt_down=counter + 1, awaiting_ack=session.awaiting_ack and not acknowledged)
    return replace(sensor, session=after, tally=tally)
