"""Scenarios with a name: corners that a random draw meets too rarely, and files that Semtech ships."""

from dataclasses import replace
from pathlib import Path

from hal.board_files import choose
from hal.compare.scenario import IDLE_POLLS, LOUD_DBM, QUIET_DBM, Reception, Scenario, Sending, begins_us
from hal.packets import Fsk, Lora, Transmission, TxTrigger
from hal.settings import FineTimestampMode, LbtChannel, ListenBeforeTalk, Settings, Sx1261Settings
from hal.twin.facts import MODEL_SX1302, MODEL_SX1303, TICKS_PER_US
from hal.twin.rf_event import RfEvent
from hal.units import Hz, Micros

BOARD = "corecell"
DOWNLINK_HZ = Hz(869_525_000)
UPLINK_HZ = Hz(868_100_000)
BEACON_BYTES = 17


def named() -> dict[str, Scenario]:
    """Return them by their names."""
    base = replace(choose(BOARD).settings, strict_tx=False)
    fine = replace(base, fine_timestamp=FineTimestampMode.ALL_SF)
    sent = _sent()
    return {
        "lbt_blocked": _scenario(
            "lbt_blocked", _listening(base), Sending(transmission=sent, noise_dbm=LOUD_DBM)
        ),
        "lbt_free": _scenario("lbt_free", _listening(base), Sending(transmission=sent, noise_dbm=QUIET_DBM)),
        "fsk_timestamped": _scenario("fsk_timestamped", base, _sending(replace(sent, modulation=Fsk()))),
        "lora_timestamped": _scenario("lora_timestamped", base, _sending(sent)),
        "beacon": _scenario("beacon", base, _sending(_beacon(sent))),
        "fine_time": _scenario("fine_time", fine, _fine_frames(), model=MODEL_SX1303),
    }


def of_file(path: Path) -> Scenario:
    """Return the start-up that a ``global_conf.json`` of Semtech's asks for."""
    settings = replace(choose(str(path)).settings, strict_tx=False)
    return _scenario(path.name, settings)


def _scenario(
    name: str, settings: Settings, *phases: Reception | Sending, model: int = MODEL_SX1302
) -> Scenario:
    return Scenario(name=name, settings=settings, model=model, phases=phases)


def _sending(transmission: Transmission, *, noise_dbm: float = QUIET_DBM) -> Sending:
    return Sending(transmission=transmission, noise_dbm=noise_dbm)


def _listening(base: Settings) -> Settings:
    channel = LbtChannel(frequency_hz=UPLINK_HZ, bandwidth_hz=125_000, scan_us=5000, transmit_limit_ms=4000)
    return replace(base, sx1261=Sx1261Settings(lbt=ListenBeforeTalk(threshold_dbm=-80, channels=(channel,))))


def _sent() -> Transmission:
    return Transmission(
        payload=bytes(range(BEACON_BYTES)),
        modulation=Lora(sf=9),
        frequency_hz=UPLINK_HZ,
        power_dbm=14,
        trigger=TxTrigger.TIMESTAMPED,
        at_us=Micros(begins_us(0) + 200_000),
    )


def _beacon(sent: Transmission) -> Transmission:
    return replace(
        sent,
        frequency_hz=DOWNLINK_HZ,
        trigger=TxTrigger.ON_GPS,
        at_us=None,
        invert_polarity=False,
        preamble_symbols=10,
        implicit_header=True,
    )


def _fine_frames() -> Reception:
    events = tuple(
        RfEvent(
            payload=bytes((sf,)) * 20,
            modulation=Lora(sf=sf),
            frequency_hz=UPLINK_HZ,
            snr_db=-2.5,
            ends_at_ticks=(begins_us(0) - 200_000 - sf * 20_000) * TICKS_PER_US,
            fraction_ticks=sf / 16,
        )
        for sf in range(5, 13)
    )
    return Reception(events=events, idle_polls=IDLE_POLLS)
