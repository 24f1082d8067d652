"""Semtech's global_conf.json as it is; a wrong value is named by its path."""

import copy
import json

import pytest

from hal.errors import OurMistake
from hal.global_conf import read_global_conf, settings_of
from hal.semtech_files import Sx125xFile, Sx1301File
from hal.settings import FALLBACK_GAINS, FineTimestampMode

BASE: dict[str, object] = {
    "SX130x_conf": {
        "radio_0": {
            "enable": True,
            "type": "SX1250",
            "freq": 867500000,
            "rssi_offset": -215.4,
            "rssi_tcomp": {"coeff_c": 20.41, "coeff_d": 2162.56},
            "tx_enable": True,
            "tx_freq_min": 863000000,
            "tx_freq_max": 870000000,
            "tx_gain_lut": [{"rf_power": 12, "pa_gain": 0, "pwr_idx": 15}],
        },
        "radio_1": {"enable": False},
        "chan_multiSF_0": {"enable": True, "radio": 0, "if": -400000},
        "chan_Lora_std": {
            "enable": True,
            "radio": 0,
            "if": -200000,
            "bandwidth": 250000,
            "spread_factor": 7,
            "implicit_payload_length": 17,
        },
        "chan_FSK": {"enable": True, "radio": 0, "if": 300000, "bandwidth": 125000, "datarate": 50000},
    },
    "gateway_conf": {"gateway_ID": "AA555A0000000000", "server_address": "localhost"},
}


def changed(path: str, value: object) -> object:
    conf = copy.deepcopy(BASE)
    *parents, last = path.split(".")
    at: dict[str, object] = conf["SX130x_conf"]  # type: ignore[assignment]
    for name in parents:
        at = at.setdefault(name, {})  # type: ignore[assignment]
    at[last] = value
    return conf


def test_comments_and_foreign_keys_are_left_alone() -> None:
    text = "/* head */\n" + json.dumps(BASE).replace('"type"', '// a note\n"type"').replace(
        "localhost", "a//b/*c*/"
    )

    settings = read_global_conf(text.encode())

    assert settings.radios[0] is not None
    assert settings.radios[0].frequency_hz == 867_500_000
    assert settings.radios[0].gains[0].power_dbm == 12
    assert settings.radios[0].compensation.d == 2162.56
    assert settings.radios[1] is None
    assert settings.channels[0] is not None
    assert settings.channels[1:] == (None,) * 7
    assert settings.spreading_factors == frozenset(range(5, 13))
    assert settings.service is not None
    assert settings.service.implicit_payload_bytes == 0, "without implicit_hdr nothing is implicit"
    assert settings.public
    assert settings.sx1261 is None


def test_what_is_disabled_needs_no_values() -> None:
    conf = changed("chan_multiSF_3", {"enable": False})
    assert settings_of(conf).channels[3] is None


def test_without_a_gain_table_the_references_own_is_used() -> None:
    settings = settings_of(changed("radio_0.tx_gain_lut", []))
    assert settings.radios[0] is not None
    assert settings.radios[0].gains == FALLBACK_GAINS


@pytest.mark.parametrize(
    ("bandwidth", "deviation", "expected"),
    [
        (0, 0, 125_000),
        (125_000, 0, 125_000),
        (125_001, 0, 250_000),
        (0, 50_000, 250_000),
        (600_000, 0, 500_000),
    ],
)
def test_an_fsk_bandwidth_is_the_step_that_holds_it(bandwidth: int, deviation: int, expected: int) -> None:
    conf = changed("chan_FSK.bandwidth", bandwidth)
    conf["SX130x_conf"]["chan_FSK"]["freq_deviation"] = deviation  # type: ignore[index]
    settings = settings_of(conf)
    assert settings.fsk is not None
    assert settings.fsk.channel.bandwidth_hz == expected


def test_an_fsk_bandwidth_that_is_not_given_follows_from_deviation_and_rate() -> None:
    conf = copy.deepcopy(BASE)
    fsk = conf["SX130x_conf"]["chan_FSK"]  # type: ignore[index]
    del fsk["bandwidth"]
    fsk["freq_deviation"] = 100_000
    settings = settings_of(conf)
    assert settings.fsk is not None
    assert settings.fsk.channel.bandwidth_hz == 250_000, "2 x 100 kHz + 50 kbit/s"


def test_listening_and_fine_timestamps() -> None:
    channels = [{"freq_hz": 867500000, "bandwidth": 125000, "scan_time_us": 5000, "transmit_time_ms": 4000}]
    conf = changed(
        "sx1261_conf", {"rssi_offset": -3, "lbt": {"enable": True, "rssi_target": -80, "channels": channels}}
    )
    conf["SX130x_conf"]["fine_timestamp"] = {"enable": True, "mode": "high_capacity"}  # type: ignore[index]
    settings = settings_of(conf)

    assert settings.fine_timestamp is FineTimestampMode.HIGH_CAPACITY
    assert settings.sx1261 is not None
    assert settings.sx1261.rssi_offset_db == -3
    assert settings.sx1261.lbt is not None
    assert settings.sx1261.lbt.channels[0].scan_us == 5000


def test_an_fsk_sync_word_is_left_alone_as_by_the_reference() -> None:
    settings = settings_of(changed("chan_FSK.sync_word", 0x1234))
    assert settings.fsk is not None
    assert settings.fsk.sync_word == b"\xc1\x94\xc1"


IMPLICIT = {"implicit_payload_length": 17, "implicit_crc_en": True, "implicit_coderate": 1}


@pytest.mark.parametrize("implicit", [True, False])
def test_implicit_values_count_with_an_implicit_header_only(implicit: bool) -> None:
    conf = changed("chan_Lora_std.implicit_hdr", implicit)
    conf["SX130x_conf"]["chan_Lora_std"].update(IMPLICIT)  # type: ignore[index]
    service = settings_of(conf).service
    assert service is not None
    found = (service.implicit_payload_bytes, service.implicit_crc, service.implicit_coding_rate)
    assert found == ((17, True, 1) if implicit else (0, False, 0))


@pytest.mark.parametrize("key", IMPLICIT)
def test_an_implicit_header_needs_all_three(key: str) -> None:
    conf = changed("chan_Lora_std.implicit_hdr", True)
    conf["SX130x_conf"]["chan_Lora_std"].update(IMPLICIT)  # type: ignore[index]
    del conf["SX130x_conf"]["chan_Lora_std"][key]  # type: ignore[index]
    with pytest.raises(OurMistake, match=f"chan_Lora_std.{key}: is missing"):
        settings_of(conf)


def test_comments_may_be_in_any_encoding() -> None:
    text = '/* fréquences à 868 MHz, "guillemets */' + json.dumps(BASE) + "\n// µ"
    assert read_global_conf(text.encode("latin-1")) == settings_of(BASE)
    assert read_global_conf(("\ufeff" + text).encode()) == settings_of(BASE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"SX130x_conf": {"clksrc": 0, "clksrc": 1}}', "'clksrc' stands twice in one object"),
        ('{"SX130x_conf": {"antenna_gain": NaN}}', "NaN is no number"),
        ('{"SX130x_conf": {"antenna_gain": -Infinity}}', "-Infinity is no number"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_what_the_references_parser_refuses_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(OurMistake, match=message):
        read_global_conf(text.encode())


def test_files_for_other_hardware_are_named_as_such() -> None:
    with pytest.raises(Sx1301File, match="SX1301_conf: an SX1301's file"):
        settings_of({"SX1301_conf": {}})
    with pytest.raises(Sx125xFile, match=r"radio_0\.type: SX1257 is not supported"):
        settings_of(changed("radio_0.type", "SX1257"))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("radio_0", 5, "SX130x_conf.radio_0: must be an object"),
        ("radio_0.freq", "868", "SX130x_conf.radio_0.freq: must be int, not '868'"),
        ("radio_0.freq", None, "SX130x_conf.radio_0.freq: is missing"),
        ("radio_0.enable", 1, "SX130x_conf.radio_0.enable: must be bool, not 1"),
        ("radio_0.type", "SX1257", "SX130x_conf.radio_0.type: SX1257 is not supported"),
        ("radio_0.tx_gain_lut", {}, "SX130x_conf.radio_0.tx_gain_lut: must be a list"),
        (
            "radio_0.tx_gain_lut",
            [{"pwr_idx": 1}],
            r"SX130x_conf.radio_0.tx_gain_lut\[0\].rf_power: is missing",
        ),
        ("chan_multiSF_0.if", 900000, "channel if: IF 900000 Hz"),
        ("chan_multiSF_0.radio", 1, "channel radio: channel 0 listens on radio 1, which is disabled"),
        ("chan_multiSF_All", {"spreading_factor_enable": "7"}, "spreading_factor_enable: must be a list"),
        ("fine_timestamp", {"enable": True, "mode": "best"}, "SX130x_conf.fine_timestamp.mode: best is not"),
        ("full_duplex", True, "full_duplex: full duplex needs SX1255"),
        ("clksrc", 1, "clksrc: radio 1 gives the clock but is disabled"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(path: str, value: object, message: str) -> None:
    with pytest.raises(OurMistake, match=message):
        settings_of(changed(path, value))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"SX130x_conf": []}'])
def test_what_is_no_configuration_says_so(text: str) -> None:
    with pytest.raises(OurMistake):
        read_global_conf(text.encode())
