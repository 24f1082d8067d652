import pytest

from agent.gateway_radio import settings_of
from agent.wire.configuration import RadioConfig
from hal.board_files import choose
from hal.errors import OurMistake
from hal.settings import FineTimestampMode


def test_by_default_nothing_is_added() -> None:
    base = choose("rak5146").settings
    assert settings_of(RadioConfig(board="rak5146"), base) == base


def test_the_listening_radio_comes_with_the_offset_of_its_board() -> None:
    settings = settings_of(RadioConfig(board="rak5146", sx1261=True), choose("rak5146").settings)
    assert settings.sx1261 is not None
    assert (settings.sx1261.rssi_offset_db, settings.sx1261.lbt) == (20, None)


def test_a_board_without_one_is_named() -> None:
    with pytest.raises(OurMistake, match="rak2287 has no SX1261"):
        settings_of(RadioConfig(board="rak2287", sx1261=True), choose("rak2287").settings)


@pytest.mark.parametrize("mode", list(FineTimestampMode))
def test_fine_timestamps(mode: FineTimestampMode) -> None:
    radio = RadioConfig(fine_timestamp=mode.value)  # type: ignore[arg-type]
    assert settings_of(radio, choose("rak2287").settings).fine_timestamp is mode
