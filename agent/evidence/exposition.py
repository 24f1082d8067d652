"""Prometheus' text of one gateway, pure: every family with its help, type and unit.

Source: prometheus.io, *Exposition formats*, text format 0.0.4; *Metric and label naming*: base units, and
``_total`` at the end of counters.  ``promtool check metrics`` finds nothing to say about it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from agent.evidence.rf import RfPicture
from agent.observation import DataPathState

SECOND_US = 1_000_000
Sample = tuple[dict[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric with its samples, each (labels, value)."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: tuple[Sample, ...]


def exposition(picture: RfPicture, state: DataPathState) -> str:
    """Return the whole page."""
    families = [*_radio(picture), *_state(state), *_connectors(state), *_counts(state)]
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    name = f"passerelle_{family.name}"
    yield f"# HELP {name} {family.help}"
    yield f"# TYPE {name} {family.kind}"
    for labels, value in family.samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{inside}}} {value:.10g}" if inside else f"{name} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _one(name: str, value: float | None, text: str, kind: Literal["counter", "gauge"] = "gauge") -> Family:
    return Family(name=name, kind=kind, help=text, samples=() if value is None else (({}, value),))


def _each(name: str, label: str, values: Iterable[tuple[object, float]], text: str) -> Family:
    kind: Literal["counter", "gauge"] = "counter" if name.endswith("_total") else "gauge"
    samples = tuple(({label: str(value)}, number) for value, number in values)
    return Family(name=name, kind=kind, help=text, samples=samples)


def _radio(picture: RfPicture) -> Iterator[Family]:
    series = (
        ("rf_frames_total", "Frames heard by channel and spreading factor, whatever their CRC.", "frames", 1),
        ("rf_crc_failed_total", "Frames of these whose CRC failed.", "crc_failed", 1),
        ("rf_airtime_seconds_total", "Air time heard, seconds.", "airtime_us", SECOND_US),
    )
    for name, text, count, divisor in series:
        samples = tuple(
            ({"frequency_hz": str(hz), "sf": str(sf or "fsk")}, getattr(cell, count) / divisor)
            for (hz, sf), cell in sorted(picture.cells.items())
        )
        yield Family(name=name, kind="counter", help=text, samples=samples)
    estimated, measured = sorted(picture.noise_dbm.items()), sorted(picture.measured_dbm.items())
    text = "Noise floor in dBm, estimated as RSSI - SNR of weak frames; no sample where none was heard."
    yield _each("rf_noise_floor_estimated_dbm", "frequency_hz", estimated, text)
    text = "Noise floor in dBm, measured by an SX1261; no sample where the board has none."
    yield _each("rf_noise_floor_measured_dbm", "frequency_hz", measured, text)


def _state(state: DataPathState) -> Iterator[Family]:
    yield _one("radio_state", float(state.radio), "0 off, 1 receiving, 2 deaf.")
    yield _one("radio_temperature_celsius", state.temperature_c, "Temperature beside the concentrator.")
    yield _one("spool_records", float(state.spool_records), "Frames that some server has not acknowledged.")
    yield _one("spool_accepting", float(state.spool_accepting), "1 while the disk takes frames.")
    used = [(band, used_us / SECOND_US) for band, (used_us, _) in sorted(state.airtime.items())]
    allowed = [(band, limit_us / SECOND_US) for band, (_, limit_us) in sorted(state.airtime.items())]
    yield _each("airtime_used_seconds", "band", used, "Air time sent in the last hour, by sub-band.")
    yield _each("airtime_allowed_seconds", "band", allowed, "Air time that an hour may hold, by sub-band.")


def _connectors(state: DataPathState) -> Iterator[Family]:
    up = [(connector.name, float(connector.up)) for connector in state.connectors]
    queued = [(connector.name, float(connector.queued)) for connector in state.connectors]
    yield _each("connector_up", "connector", up, "1 while the network server answers.")
    yield _each("connector_queued_frames", "connector", queued, "Frames that it has not acknowledged.")


def _counts(state: DataPathState) -> Iterator[Family]:
    of_contract = "by the contractual connector"
    yield _one("frames_received_total", state.received, "Frames with a good CRC.", "counter")
    yield _one("frames_delivered_total", state.delivered, f"Frames delivered {of_contract}.", "counter")
    dropped = sorted(state.dropped.items())
    yield _each("frames_dropped_total", "reason", dropped, f"Frames dropped {of_contract}, by reason.")
    yield _one("frames_transmitted_total", state.transmitted, "Downlinks that were on air.", "counter")
    events = sorted(state.counters.items())
    yield _each("events_total", "name", events, "All other counts of the data path, by name.")
