from pathlib import Path

import msgspec
import pytest

from agent.enrol.settings import SettingsError, load_settings, wipe_token
from agent.wire.order import WorkOrder, encode_order
from agent.wire.partition import PARTITION_BYTES, add_settings, encode_settings
from tests.controlpath.virtual import FAR_AT_US, SigningFleet, configuration

ORDER = SigningFleet().order(configuration())


def image_of(order: WorkOrder, path: Path) -> Path:
    sector, offset = add_settings(b"", image_bytes=0)
    path.write_bytes(sector.ljust(offset, b"\0") + encode_settings(order))
    return path


def test_first_boot_copies_the_order(tmp_path: Path) -> None:
    image = image_of(ORDER, tmp_path / "i.img")
    assert load_settings(tmp_path, image) == ORDER
    assert load_settings(tmp_path, None) == ORDER
    assert (tmp_path / "settings.json").stat().st_mode & 0o777 == 0o600


def test_after_enrolment_no_copy_of_the_token_is_left(tmp_path: Path) -> None:
    image = image_of(ORDER, tmp_path / "i.img")
    wiped = wipe_token(tmp_path, image, load_settings(tmp_path, image))
    assert wiped.token == ""
    assert ORDER.token.encode() not in image.read_bytes()
    assert ORDER.token.encode() not in (tmp_path / "settings.json").read_bytes()
    assert load_settings(tmp_path, image) == wiped
    assert image.stat().st_size == 1024 * 1024 + PARTITION_BYTES


def test_the_partition_s_own_device_serves_as_well(tmp_path: Path) -> None:
    partition = tmp_path / "settings"
    partition.write_bytes(encode_settings(ORDER))
    wipe_token(tmp_path, partition, load_settings(tmp_path, partition))
    assert ORDER.token.encode() not in partition.read_bytes()


def test_a_card_that_cannot_be_written_or_holds_another_order_is_left_alone(tmp_path: Path) -> None:
    load_settings(tmp_path, image_of(ORDER, tmp_path / "i.img"))
    other = image_of(msgspec.structs.replace(ORDER, token="u" * 43), tmp_path / "other.img")
    before = other.read_bytes()
    wipe_token(tmp_path, other, ORDER)
    assert other.read_bytes() == before
    wipe_token(tmp_path, tmp_path / "gone.img", ORDER)


@pytest.mark.parametrize(("later_us", "believed"), [(-1, False), (0, False), (1, True)])
def test_a_later_order_on_the_card_is_believed(tmp_path: Path, later_us: int, believed: bool) -> None:
    image = image_of(ORDER, tmp_path / "i.img")
    wipe_token(tmp_path, image, load_settings(tmp_path, image))
    new = msgspec.structs.replace(ORDER, token="n" * 43, valid_until_us=FAR_AT_US + later_us)
    loaded = load_settings(tmp_path, image_of(new, image))
    assert (loaded.token == "n" * 43) is believed


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="absent"):
        load_settings(tmp_path, None)
    with pytest.raises(SettingsError, match="No such file"):
        load_settings(tmp_path, tmp_path / "gone.img")
    (tmp_path / "bad.img").write_bytes(bytes(4096))
    with pytest.raises(SettingsError, match="MBR"):
        load_settings(tmp_path, tmp_path / "bad.img")
    (tmp_path / "settings.json").write_bytes(encode_order(ORDER)[:50])
    with pytest.raises(SettingsError, match="supprimez"):
        load_settings(tmp_path, None)


def test_one_of_card_and_state_folder_is_enough(tmp_path: Path) -> None:
    image = image_of(ORDER, tmp_path / "i.img")
    wiped = wipe_token(tmp_path, image, load_settings(tmp_path, image))
    (tmp_path / "settings.json").write_bytes(b"rubbish")
    assert load_settings(tmp_path, image) == wiped
    assert load_settings(tmp_path, None) == wiped
    image.write_bytes(bytes(4096))
    assert load_settings(tmp_path, image) == wiped
    assert load_settings(tmp_path, tmp_path / "gone.img") == wiped
