"""``passerelle hal listen``: frames as they come, as a table or as JSON lines."""

import json
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress

from hal.packets import Crc, Lora, ReceivedFrame
from hal.sx1302.driver import Sx1302
from hal.tools.opening import opened
from hal.tools.words import words

POLL_S = 0.027
COLUMNS = (
    ("time", 14),
    ("frequency", 16),
    ("rate", 11),
    ("rssi", 10),
    ("snr", 8),
    ("crc", 6),
    ("bytes", 6),
    ("payload", 0),
)


def run(options: Namespace) -> int:
    """Print frames until the limits that were given, or until interrupted."""
    text = words(options.lang)
    frames = bad = 0
    with opened(options) as (concentrator, _), suppress(KeyboardInterrupt):
        concentrator.start()
        if not options.json:
            print(text["listening"].format(eui=concentrator.eui), flush=True)
            print(" ".join(f"{text[name]:<{width}}" for name, width in COLUMNS), flush=True)
        for frame in heard(concentrator, options.seconds):
            frames += 1
            bad += frame.crc is Crc.BAD
            print(json.dumps(record(frame)) if options.json else row(frame), flush=True)
            if options.count and frames >= options.count:
                break
    if not options.json:
        print(text["heard"].format(frames=frames, bad=bad))
    return 0


def heard(concentrator: Sx1302, seconds: float | None) -> Iterator[ReceivedFrame]:
    """Yield frames; ends after ``seconds``, or never."""
    clock = concentrator.wiring.clock
    end_us = None if seconds is None else clock.monotonic_us() + int(seconds * 1e6)
    while end_us is None or clock.monotonic_us() < end_us:
        received = concentrator.receive()
        yield from received
        if not received:
            clock.sleep(POLL_S)


def row(frame: ReceivedFrame) -> str:
    """Return a frame as a line of the table."""
    values = (
        f"{frame.counter_us}",
        f"{frame.frequency_hz / 1e6:.3f}",
        f"{frame.modulation}",
        f"{frame.rssi_channel_dbm:.1f}",
        f"{frame.snr_db:.1f}" if isinstance(frame.modulation, Lora) else "",
        f"{frame.crc}",
        f"{len(frame.payload)}",
        frame.payload.hex(),
    )
    return " ".join(f"{value:<{width}}" for value, (_, width) in zip(values, COLUMNS, strict=True))


def record(frame: ReceivedFrame) -> dict[str, object]:
    """Return a frame as one JSON object."""
    return {
        "counter_us": frame.counter_us,
        "tmst": frame.tmst,
        "frequency_hz": frame.frequency_hz,
        "frequency_offset_hz": frame.frequency_offset_hz,
        "modulation": str(frame.modulation),
        "rssi_dbm": round(frame.rssi_channel_dbm, 2),
        "rssi_signal_dbm": round(frame.rssi_signal_dbm, 2),
        "snr_db": frame.snr_db if isinstance(frame.modulation, Lora) else None,
        "crc": str(frame.crc),
        "rf_chain": frame.rf_chain,
        "if_channel": frame.if_channel,
        "modem": frame.modem,
        "fine_ns": frame.fine_ns,
        "payload": frame.payload.hex(),
    }
