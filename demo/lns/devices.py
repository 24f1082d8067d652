"""Devices whose keys the demo's network server knows, and what it does with what they say.

Pure: frames and keys in, verdicts and answers out.  LoRaWAN 1.0.x only.

Sources: LoRaWAN 1.0.4 §4.3.1.5 (32-bit counters from 16), §6.2 (join), §4.3.1.2 (acknowledgement).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from agent.lorawan.phy import DataDown, DataUp, JoinRequest, Phy, encode_data, encode_without_mic
from demo.crypto import DOWN, UP, SessionKeys, crypt_payload, data_mic, mic, seal_join_accept, session_keys

NET_ID = 0x000000
"""Experimental networks (LoRa Alliance NetID table)."""
RX1_DELAY_S = 1
FCNT_GAP_LIMIT = 16_384
"""MAX_FCNT_GAP of EU868, RP002-1.0.4."""
JOIN_ACCEPT_HEADER = 0x20


class FrameVerdict(StrEnum):
    """What the server makes of one frame."""

    ACCEPTED = "accepted"
    JOINED = "joined"
    UNKNOWN_DEVICE = "unknown_device"
    BAD_MIC = "bad_mic"
    REPLAYED = "replayed"
    NOT_UPLINK = "not_uplink"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What one join made; ``fcnt_up`` is the next counter that is new."""

    dev_addr: int
    keys: SessionKeys
    fcnt_up: int = 0
    fcnt_down: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device by its EUI, with the nonces that it has used."""

    dev_eui: str
    join_eui: str
    app_key: bytes
    used_nonces: frozenset[int] = frozenset()
    session: Session | None = None
    outbox: tuple[bytes, ...] = ()
    """Application payloads that wait for the device's next uplink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one frame; ``answer`` is to be sent in RX1 or RX2, ``delay_s`` until RX1."""

    verdict: FrameVerdict
    device: Device | None = None
    plain: bytes = b""
    answer: bytes | None = None
    delay_s: int = RX1_DELAY_S


def judge(phy: Phy, raw: bytes, devices: dict[str, Device], app_nonce: int) -> Outcome:
    """Return what to make of one frame; ``app_nonce`` is fresh, for a join."""
    match phy:
        case JoinRequest():
            return _join(phy, raw, devices.get(phy.dev_eui), app_nonce)
        case DataUp():
            return _data(phy, raw, devices)
        case _:
            return Outcome(verdict=FrameVerdict.NOT_UPLINK)


def _join(phy: JoinRequest, raw: bytes, device: Device | None, app_nonce: int) -> Outcome:
    if device is None or device.join_eui != phy.join_eui:
        return Outcome(verdict=FrameVerdict.UNKNOWN_DEVICE)
    if mic(device.app_key, raw[:-4]) != phy.mic:
        return Outcome(verdict=FrameVerdict.BAD_MIC)
    if phy.dev_nonce in device.used_nonces:
        return Outcome(verdict=FrameVerdict.REPLAYED)
    dev_addr = int(device.dev_eui[-6:], 16)
    keys = session_keys(device.app_key, app_nonce=app_nonce, net_id=NET_ID, dev_nonce=phy.dev_nonce)
    fields = app_nonce.to_bytes(3, "little") + NET_ID.to_bytes(3, "little") + dev_addr.to_bytes(4, "little")
    accept = seal_join_accept(device.app_key, JOIN_ACCEPT_HEADER, fields + bytes((0, RX1_DELAY_S)))
    joined = replace(
        device,
        used_nonces=device.used_nonces | {phy.dev_nonce},
        session=Session(dev_addr=dev_addr, keys=keys),
    )
    return Outcome(verdict=FrameVerdict.JOINED, device=joined, answer=accept, delay_s=5)


def _data(phy: DataUp, raw: bytes, devices: dict[str, Device]) -> Outcome:
    known = [
        device for device in devices.values() if device.session and device.session.dev_addr == phy.dev_addr
    ]
    if not known:
        return Outcome(verdict=FrameVerdict.UNKNOWN_DEVICE)
    for device in known:
        session = device.session
        assert session is not None
        counter = full_counter(phy.fcnt, session.fcnt_up)
        expected = data_mic(
            session.keys.network, raw[:-4], direction=UP, address=phy.dev_addr, counter=counter
        )
        if expected == phy.mic:
            return _accepted(phy, device, session, counter)
    return Outcome(verdict=FrameVerdict.BAD_MIC)


def full_counter(low16: int, next_counter: int) -> int:
    """Return the 32-bit counter of which ``low16`` went over the air, near ``next_counter``.

    >>> full_counter(2, 65_535), full_counter(65_535, 65_538)
    (65538, 65535)
    """
    candidate = (next_counter & ~0xFFFF) | low16
    if candidate < next_counter - FCNT_GAP_LIMIT:
        return candidate + 0x1_0000
    if candidate > next_counter + 0x1_0000 - FCNT_GAP_LIMIT and candidate >= 0x1_0000:
        return candidate - 0x1_0000
    return candidate


def _accepted(phy: DataUp, device: Device, session: Session, counter: int) -> Outcome:
    if counter < session.fcnt_up:
        return Outcome(verdict=FrameVerdict.REPLAYED)
    port_key = session.keys.network if phy.fport == 0 else session.keys.application
    plain = crypt_payload(port_key, phy.frm_payload, direction=UP, address=phy.dev_addr, counter=counter)
    after = replace(session, fcnt_up=counter + 1)
    if not phy.confirmed and not device.outbox:
        return Outcome(verdict=FrameVerdict.ACCEPTED, device=replace(device, session=after), plain=plain)
    answer = _downlink(after, acknowledge=phy.confirmed, payload=device.outbox[0] if device.outbox else b"")
    after = replace(after, fcnt_down=after.fcnt_down + 1)
    device = replace(device, session=after, outbox=device.outbox[1:])
    return Outcome(verdict=FrameVerdict.ACCEPTED, device=device, plain=plain, answer=answer)


def _downlink(session: Session, *, acknowledge: bool, payload: bytes) -> bytes:
    position = {"direction": DOWN, "address": session.dev_addr, "counter": session.fcnt_down}
    frame = DataDown(
        dev_addr=session.dev_addr,
        fcnt=session.fcnt_down & 0xFFFF,
        fctrl=0x20 if acknowledge else 0,
        fport=2 if payload else None,
        frm_payload=crypt_payload(session.keys.application, payload, **position) if payload else b"",
    )
    return encode_data(
        replace(frame, mic=data_mic(session.keys.network, encode_without_mic(frame), **position))
    )
