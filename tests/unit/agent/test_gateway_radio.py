import pytest

from agent.gateway_radio import settings_of
from agent.wire.configuration import LbtChannelConfig, LbtConfig, RadioConfig, Unfit
from hal.board_files import choose
from hal.errors import OurMistake
from hal.settings import FineTimestampMode, LbtChannel, ListenBeforeTalk
from hal.units import Hz


def test_by_default_nothing_is_added() -> None:
    base = choose("rak5146").settings
    assert settings_of(RadioConfig(board="rak5146"), base) == base


def test_the_listening_radio_comes_with_the_offset_of_its_board() -> None:
    settings = settings_of(RadioConfig(board="rak5146", sx1261=True), choose("rak5146").settings)
    assert settings.sx1261 is not None
    assert (settings.sx1261.rssi_offset_db, settings.sx1261.lbt) == (20, None)


def test_listen_before_talk_is_for_the_listening_radio() -> None:
    lbt = LbtConfig(threshold_dbm=-75, channels=(LbtChannelConfig(frequency_hz=868_100_000),))
    radio = RadioConfig(board="rak5146", sx1261=True, lbt=lbt)
    settings = settings_of(radio, choose("rak5146").settings)
    assert settings.sx1261 is not None
    assert settings.sx1261.lbt == ListenBeforeTalk(
        threshold_dbm=-75,
        channels=(
            LbtChannel(
                frequency_hz=Hz(868_100_000), bandwidth_hz=125_000, scan_us=5_000, transmit_limit_ms=1_000
            ),
        ),
    )
    with pytest.raises(Unfit, match=r"radio\.lbt"):
        RadioConfig(board="rak5146", lbt=lbt)


def test_a_board_without_one_is_named() -> None:
    with pytest.raises(OurMistake, match="rak2287 has no SX1261"):
        settings_of(RadioConfig(board="rak2287", sx1261=True), choose("rak2287").settings)


@pytest.mark.parametrize("mode", list(FineTimestampMode))
def test_fine_timestamps(mode: FineTimestampMode) -> None:
    radio = RadioConfig(fine_timestamp=mode.value)  # type: ignore[arg-type]
    assert settings_of(radio, choose("rak2287").settings).fine_timestamp is mode
