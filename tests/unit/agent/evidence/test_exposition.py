"""Prometheus' text: complete, with help and units, read back by Prometheus' own parser."""

import re
import subprocess
import sys
from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from agent.evidence.exposition import exposition
from agent.evidence.rf import RfPicture
from agent.observation import ConnectorState, DataPathState
from agent.wire.messages import Radio
from hal.packets import Crc, Fsk
from tests.datapath.virtual import data_up, received

STATE = DataPathState(
    radio=Radio.RECEIVING,
    radio_reason="",
    radio_since_us=0,
    connectors=(
        ConnectorState(name="lns", contractual=True, up=True, reason="", last_answer_us=1, queued=7),
        ConnectorState(name="autre", contractual=False, up=False, reason="", last_answer_us=None, queued=0),
    ),
    spool_records=3,
    spool_accepting=True,
    received=1_717_200_001,
    delivered=4,
    dropped={"join_late": 1},
    temperature_c=31.5,
    airtime={"P": (1_500_000, 360_000_000)},
    counters={"lns.sent": 5, 'odd "name"\\': 1},
)


def picture() -> RfPicture:
    made = RfPicture()
    made.frame_received(replace(received(data_up()), snr_db=-10.0))
    made.frame_received(received(data_up(), crc=Crc.BAD))
    made.frame_received(replace(received(b"x"), modulation=Fsk()))
    made.measured(868_300_000, -117.0)
    return made


def test_everything_is_there_by_channel_and_spreading_factor() -> None:
    lines = exposition(picture(), STATE).splitlines()
    for line in (
        'passerelle_rf_frames_total{frequency_hz="868100000",sf="7"} 2.0',
        'passerelle_rf_frames_total{frequency_hz="868100000",sf="fsk"} 1.0',
        'passerelle_rf_crc_failed_total{frequency_hz="868100000",sf="7"} 1.0',
        'passerelle_rf_airtime_seconds_total{frequency_hz="868100000",sf="7"} 0.102912',
        'passerelle_rf_noise_floor_estimated_dbm{frequency_hz="868100000"} -72.0',
        'passerelle_rf_noise_floor_measured_dbm{frequency_hz="868300000"} -117.0',
        "passerelle_radio_state 1.0",
        "passerelle_radio_temperature_celsius 31.5",
        "passerelle_spool_records 3.0",
        'passerelle_connector_up{connector="autre"} 0.0',
        'passerelle_connector_queued_frames{connector="lns"} 7.0',
        'passerelle_airtime_used_seconds{band="P"} 1.5',
        "passerelle_frames_received_total 1.717200001e+09",
        'passerelle_frames_dropped_total{reason="join_late"} 1.0',
        'passerelle_events_total{name="odd \\"name\\"\\\\"} 1.0',
    ):
        assert line in lines


def test_a_floor_that_nothing_measures_has_no_sample() -> None:
    assert not re.search(r"^passerelle_rf_noise", exposition(RfPicture(), STATE), re.MULTILINE)


def test_every_family_has_help_and_type_before_its_samples_and_a_name_of_its_own() -> None:
    lines = exposition(picture(), STATE).splitlines()
    helped = [line.split()[2] for line in lines if line.startswith("# HELP")]
    typed = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    sampled = {re.split(r"[{ ]", line)[0] for line in lines if not line.startswith("#")}
    assert helped == typed
    assert len(set(helped)) == len(helped)
    assert sampled <= set(helped)


def test_the_library_is_loaded_by_the_first_reader_of_the_page() -> None:
    code = "import agent.datapath, sys; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_parser_of_prometheus_reads_every_sample_with_its_type() -> None:
    page = exposition(picture(), STATE)
    families = list(text_string_to_metric_families(page))
    assert sum(len(family.samples) for family in families) == len(
        [line for line in page.splitlines() if not line.startswith("#")]
    )
    for family in families:
        assert family.documentation
        assert family.type in {"counter", "gauge", "histogram"}
        assert (family.type == "counter") == all(sample.name.endswith("_total") for sample in family.samples)
