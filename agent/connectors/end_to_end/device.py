"""The virtual test device of one gateway: its frames, when it speaks, what its silence says; pure.

It is activated by personalisation and speaks LoRaWAN 1.0.x without a payload: the network session key is all
it needs, and it protects nothing but this proof.

    state              event                                 ->  proof       what is done
    any                due, the connector is up              ->  unchanged   send
    any                due, the connector is down            ->  unchanged   nothing: why it is down is known
    waiting            acknowledgement                       ->  PROCESSED
    waiting            15 s without one, twice in a row      ->  UNANSWERED
    not waiting        acknowledgement (late)                ->  PROCESSED

A server that swallows frames is found after two periods and 15 s: within three periods.

Sources: LoRaWAN 1.0.4 (TS001) §4.3 frame header, §4.4 MIC.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from agent.lorawan.phy import MIC_BYTES, DataDown, DataUp, PhyError, encode_without_mic, parse_phy

UP, DOWN = 0, 1
COUNTERS = 1 << 32
HIGH = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TestDevice:
    """One device and where its counters stand."""

    __test__ = False

    address: int
    network_key: bytes
    next_up: int = 0
    last_down: int = 0
    """The newest frame counter of the server, all 32 bits."""


def confirmed_uplink(device: TestDevice) -> tuple[TestDevice, bytes]:
    """Return the device after it, and the PHYPayload of its next confirmed uplink."""
    counter = device.next_up % COUNTERS
    message = encode_without_mic(DataUp(dev_addr=device.address, fcnt=counter % HIGH, confirmed=True))
    sealed = message + _mic(device, message, direction=UP, counter=counter)
    return replace(device, next_up=counter + 1), sealed


def addressed(device: TestDevice, payload: bytes) -> DataDown | None:
    """Return the downlink that a payload is, where it is for this device: nothing of it goes on air."""
    try:
        frame = parse_phy(payload)
    except PhyError:
        return None
    return frame if isinstance(frame, DataDown) and frame.dev_addr == device.address else None


def acknowledgement(device: TestDevice, frame: DataDown) -> TestDevice | None:
    """Return the device after an acknowledgement by a server with its key; None for any other frame."""
    if not frame.ack:
        return None
    message = encode_without_mic(frame)
    known_high = device.last_down // HIGH
    for high in (known_high, known_high + 1):
        counter = high * HIGH + frame.fcnt
        if _mic(device, message, direction=DOWN, counter=counter) == frame.mic:
            return replace(device, last_down=max(counter, device.last_down))
    return None


def _mic(device: TestDevice, message: bytes, *, direction: int, counter: int) -> bytes:
    from cryptography.hazmat.primitives.ciphers import algorithms
    from cryptography.hazmat.primitives.cmac import CMAC

    position = bytes((direction,)) + device.address.to_bytes(4, "little") + counter.to_bytes(4, "little")
    cmac = CMAC(algorithms.AES(device.network_key))
    cmac.update(bytes((0x49, 0, 0, 0, 0)) + position + bytes((0, len(message))) + message)
    return cmac.finalize()[:MIC_BYTES]


ANSWER_WAIT_US = 15_000_000
"""LoRaWAN's windows open 1 to 15 s after an uplink; servers answer ours, without air, in the first."""
MISSES_LIMIT = 2
"""One datagram may be lost on its way; two in a row are a server that does not process."""


class Proof(StrEnum):
    """What the test device proved last."""

    UNKNOWN = "UNKNOWN"
    PROCESSED = "PROCESSED"
    UNANSWERED = "UNANSWERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probing:
    """Where the test device stands; all instants are monotonic microseconds."""

    proof: Proof = Proof.UNKNOWN
    due_us: int = 0
    sent_us: int | None = None
    """When the frame that waits for its acknowledgement left; None: none waits."""
    missed: int = 0
    """Frames without an acknowledgement, in a row."""
    latency_us: int | None = None
    """From a frame to its acknowledgement, the last time."""
    answered_us: int | None = None
    """When the last acknowledgement came."""


def tick(probing: Probing, now_us: int, *, period_us: int, up: bool) -> tuple[Probing, bool]:
    """Return the state at ``now_us``, and whether to send a frame."""
    if probing.sent_us is not None:
        if now_us - probing.sent_us < ANSWER_WAIT_US:
            return probing, False
        missed = probing.missed + 1
        proof = Proof.UNANSWERED if missed >= MISSES_LIMIT else probing.proof
        probing = replace(probing, sent_us=None, missed=missed, proof=proof)
    if not up or now_us < probing.due_us:
        return probing, False
    return replace(probing, sent_us=now_us, due_us=now_us + period_us), True


def acknowledged(probing: Probing, now_us: int) -> Probing:
    """Return the state after an acknowledgement."""
    latency_us = probing.latency_us if probing.sent_us is None else now_us - probing.sent_us
    return Probing(proof=Proof.PROCESSED, due_us=probing.due_us, latency_us=latency_us, answered_us=now_us)
