import pytest

from agent.wire.order import WorkOrder
from agent.wire.partition import (
    PARTITION_BYTES,
    PartitionError,
    add_settings,
    decode_settings,
    encode_settings,
    entries,
    settings_entry,
)

ORDER = WorkOrder(
    eui="0016c001f12a3b4c",
    site="Mairie de Vouvray",
    enrol_url="https://fleet.example",
    token="t" * 43,
    valid_until_us=2_000_000_000_000_000,
    fleet_ca_pem="-",
    fleet_public_key="00" * 32,
    configuration=b"x",
)


def test_settings_come_back_as_they_went() -> None:
    partition = encode_settings(ORDER)
    assert len(partition) == PARTITION_BYTES
    assert decode_settings(partition) == ORDER


def test_empty_medium_gets_a_table_with_one_partition_at_one_mebibyte() -> None:
    sector, offset = add_settings(b"", image_bytes=0)
    assert offset == 1024 * 1024
    entry = settings_entry(sector)
    assert (entry.kind, entry.first_sector, entry.sectors) == (0xDA, 2048, 2048)


def test_base_image_keeps_its_partitions_and_settings_follow_behind() -> None:
    base, _ = add_settings(b"", image_bytes=0)
    other = bytearray(base)
    other[446 + 4] = 0x0C
    sector, offset = add_settings(bytes(other), image_bytes=5_000_000)
    assert [entry.kind for entry in entries(sector)] == [0x0C, 0xDA]
    assert offset == 5 * 1024 * 1024


@pytest.mark.parametrize(
    ("at", "what"),
    [(0, "magic"), (8, "version"), (12, "length"), (20, "sha256"), (200, "sha256")],
)
def test_each_damaged_field_is_named(at: int, what: str) -> None:
    partition = bytearray(encode_settings(ORDER))
    partition[at] ^= 0x80
    if what == "length":
        partition[12:16] = b"\xff\xff\xff\x7f"
    with pytest.raises(PartitionError, match=f"settings.{what}"):
        decode_settings(bytes(partition))


def test_truncated_partition_is_refused() -> None:
    with pytest.raises(PartitionError, match="too short"):
        decode_settings(b"VDL")


def test_no_table_gpt_and_four_partitions_are_refused_with_the_fix() -> None:
    with pytest.raises(PartitionError, match="flash"):
        entries(bytes(512))
    full, _ = add_settings(b"", image_bytes=0)
    with pytest.raises(PartitionError, match="already"):
        add_settings(full, image_bytes=0)
    gpt = bytearray(full)
    gpt[446 + 4] = 0xEE
    with pytest.raises(PartitionError, match="GPT"):
        entries(bytes(gpt))
    four = bytearray(full)
    for index in range(4):
        four[446 + 16 * index : 462 + 16 * index] = full[446:462]
        four[446 + 16 * index + 4] = 0x83
    with pytest.raises(PartitionError, match="four"):
        add_settings(bytes(four), image_bytes=0)
