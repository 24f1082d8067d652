"""Prometheus' text of one gateway, pure: every family with its help, type and unit.

``prometheus-client`` writes the text; names, labels and units are decided here.
Source: prometheus.io, *Metric and label naming*: base units, and ``_total`` at the end of counters.
``promtool check metrics`` finds nothing to say about it.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.evidence.rf import RfPicture
from agent.observation import DataPathState

SECOND_US = 1_000_000
PREFIX = "passerelle_"
COUNTER_END = "_total"


class _Page(Collector):
    """The families of one page, as ``generate_latest`` collects them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(picture: RfPicture, state: DataPathState) -> str:
    """Return the whole page."""
    families = [*_radio(picture), *_state(state), *_connectors(state), *_counts(state)]
    return generate_latest(_Page(families)).decode()


def _family(name: str, text: str, labels: tuple[str, ...] = ()) -> CounterMetricFamily | GaugeMetricFamily:
    """Return a family without samples; a name that ends in ``_total`` is a counter."""
    kind = CounterMetricFamily if name.endswith(COUNTER_END) else GaugeMetricFamily
    return kind(f"{PREFIX}{name}", text, labels=labels)


def _single(name: str, value: float | None, text: str) -> Metric:
    family = _family(name, text)
    if value is not None:
        family.add_metric((), value)
    return family


def _each(name: str, label: str, values: Iterable[tuple[object, float]], text: str) -> Metric:
    family = _family(name, text, (label,))
    for value, number in values:
        family.add_metric((str(value),), number)
    return family


def _radio(picture: RfPicture) -> Iterator[Metric]:
    series = (
        ("rf_frames_total", "Frames heard by channel and spreading factor, whatever their CRC.", "frames", 1),
        ("rf_crc_failed_total", "Frames of these whose CRC failed.", "crc_failed", 1),
        ("rf_airtime_seconds_total", "Air time heard, seconds.", "airtime_us", SECOND_US),
    )
    for name, text, count, divisor in series:
        family = _family(name, text, ("frequency_hz", "sf"))
        for (hz, sf), cell in sorted(picture.cells.items()):
            family.add_metric((str(hz), str(sf or "fsk")), getattr(cell, count) / divisor)
        yield family
    estimated, measured = sorted(picture.noise_dbm.items()), sorted(picture.measured_dbm.items())
    text = "Noise floor in dBm, estimated as RSSI - SNR of weak frames; no sample where none was heard."
    yield _each("rf_noise_floor_estimated_dbm", "frequency_hz", estimated, text)
    text = "Noise floor in dBm, measured by an SX1261; no sample where the board has none."
    yield _each("rf_noise_floor_measured_dbm", "frequency_hz", measured, text)


def _state(state: DataPathState) -> Iterator[Metric]:
    yield _single("radio_state", float(state.radio), "0 off, 1 receiving, 2 deaf.")
    yield _single("radio_temperature_celsius", state.temperature_c, "Temperature beside the concentrator.")
    yield _single(
        "spool_records", float(state.spool_records), "Frames that some server has not acknowledged."
    )
    yield _single("spool_accepting", float(state.spool_accepting), "1 while the disk takes frames.")
    used = [(band, used_us / SECOND_US) for band, (used_us, _) in sorted(state.airtime.items())]
    allowed = [(band, limit_us / SECOND_US) for band, (_, limit_us) in sorted(state.airtime.items())]
    yield _each("airtime_used_seconds", "band", used, "Air time sent in the last hour, by sub-band.")
    yield _each("airtime_allowed_seconds", "band", allowed, "Air time that an hour may hold, by sub-band.")


def _connectors(state: DataPathState) -> Iterator[Metric]:
    up = [(connector.name, float(connector.up)) for connector in state.connectors]
    queued = [(connector.name, float(connector.queued)) for connector in state.connectors]
    yield _each("connector_up", "connector", up, "1 while the network server answers.")
    yield _each("connector_queued_frames", "connector", queued, "Frames that it has not acknowledged.")


def _counts(state: DataPathState) -> Iterator[Metric]:
    of_contract = "by the contractual connector"
    yield _single("frames_received_total", state.received, "Frames with a good CRC.")
    yield _single("frames_delivered_total", state.delivered, f"Frames delivered {of_contract}.")
    dropped = sorted(state.dropped.items())
    yield _each("frames_dropped_total", "reason", dropped, f"Frames dropped {of_contract}, by reason.")
    yield _single("frames_transmitted_total", state.transmitted, "Downlinks that were on air.")
    events = sorted(state.counters.items())
    yield _each("events_total", "name", events, "All other counts of the data path, by name.")
