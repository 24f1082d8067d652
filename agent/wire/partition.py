"""The settings partition: how a work order lies on a card between flashing and first boot.

An MBR partition of type 0xDA (*non-FS data*) and 1 MiB holds, little-endian: magic, format version,
length of the document, its SHA-256, the work order as JSON, then zeros.  No file system: it is written in
one piece, checked by its hash, and no operating system touches it.

Sources: partition table layout and types, UEFI specification 2.10 §5.2.1 (legacy MBR); type 0xDA,
``fdisk -l`` list of util-linux.
"""

import hashlib
import struct
from dataclasses import dataclass

from agent.wire import reasons
from agent.wire.order import WorkOrder, WorkOrderError, decode_order, encode_order

SECTOR_BYTES = 512
ALIGNMENT_BYTES = 1024 * 1024
PARTITION_BYTES = 1024 * 1024
PARTITION_TYPE = 0xDA
GPT_TYPE = 0xEE
MAGIC = b"VDLPASS\x01"
FORMAT_VERSION = 1
_HEAD = struct.Struct("<8sII32s")
_ENTRY = struct.Struct("<B3sB3sII")
_TABLE_AT = 446
_ENTRIES = 4
_SIGNATURE = b"\x55\xaa"
_CHS_LBA = b"\xfe\xff\xff"
"""CHS field of a partition that is addressed by sector number only."""


class PartitionError(reasons.ReasonedError, ValueError):
    """A card or image without readable settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One primary partition of an MBR; instants of no interest, sectors of 512 bytes."""

    index: int
    kind: int
    first_sector: int
    sectors: int

    @property
    def offset_bytes(self) -> int:
        """Where it begins on the medium."""
        return self.first_sector * SECTOR_BYTES

    @property
    def end_bytes(self) -> int:
        """Where it ends, exclusive."""
        return (self.first_sector + self.sectors) * SECTOR_BYTES


def entries(mbr: bytes) -> list[Entry]:
    """Return the used entries of the partition table in sector 0.

    Raises:
        PartitionError: no MBR, or a GPT behind a protective one.
    """
    if len(mbr) < SECTOR_BYTES or mbr[510:512] != _SIGNATURE:
        raise PartitionError(reasons.image.no_table())
    found = []
    for index in range(_ENTRIES):
        _, _, kind, _, first, sectors = _ENTRY.unpack_from(mbr, _TABLE_AT + index * _ENTRY.size)
        if kind == GPT_TYPE:
            raise PartitionError(reasons.image.gpt())
        if kind and sectors:
            found.append(Entry(index=index, kind=kind, first_sector=first, sectors=sectors))
    return found


def settings_entry(mbr: bytes) -> Entry:
    """Return the settings partition of an image.

    Raises:
        PartitionError: none, or more than one.
    """
    found = [entry for entry in entries(mbr) if entry.kind == PARTITION_TYPE]
    if len(found) != 1:
        raise PartitionError(reasons.image.not_one_settings(partitions=len(found)))
    return found[0]


def add_settings(mbr: bytes, *, image_bytes: int, reserved_empty: bool = False) -> tuple[bytes, int]:
    """Return sector 0 with a settings partition behind ``image_bytes`` of base image, and its offset.

    ``mbr`` may be empty: then a table with this one partition is made.  A base image that keeps an empty
    settings partition free (``reserved_empty``), so that its data grow behind it, has it filled.

    Raises:
        PartitionError: no free entry, or a settings partition is there already.
    """
    sector = bytearray(mbr[:SECTOR_BYTES] if mbr else bytes(510) + _SIGNATURE)
    taken = entries(bytes(sector))
    if reserved_empty:
        return bytes(sector), settings_entry(bytes(sector)).offset_bytes
    if any(entry.kind == PARTITION_TYPE for entry in taken):
        raise PartitionError(reasons.image.settings_there())
    free = sorted(set(range(_ENTRIES)) - {entry.index for entry in taken})
    if not free:
        raise PartitionError(reasons.image.table_full())
    end = max([image_bytes, SECTOR_BYTES, *(entry.end_bytes for entry in taken)])
    offset = -(-end // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    sectors = PARTITION_BYTES // SECTOR_BYTES
    _ENTRY.pack_into(
        sector, _TABLE_AT + free[0] * _ENTRY.size, 0, _CHS_LBA, PARTITION_TYPE, _CHS_LBA,
        offset // SECTOR_BYTES, sectors,
    )  # fmt: skip
    return bytes(sector), offset


def encode_settings(order: WorkOrder) -> bytes:
    """Return the whole partition, ``PARTITION_BYTES`` long.

    Raises:
        PartitionError: the order does not fit.
    """
    document = encode_order(order)
    if _HEAD.size + len(document) > PARTITION_BYTES:
        raise PartitionError(
            reasons.image.order_too_big(order_bytes=len(document), limit_bytes=PARTITION_BYTES)
        )
    head = _HEAD.pack(MAGIC, FORMAT_VERSION, len(document), hashlib.sha256(document).digest())
    return (head + document).ljust(PARTITION_BYTES, b"\0")


def decode_settings(partition: bytes) -> WorkOrder:
    """Return the work order in a settings partition.

    Raises:
        PartitionError: wrong magic, version, length or hash, or no work order inside; names the field.
    """
    if len(partition) < _HEAD.size:
        raise PartitionError(reasons.image.settings_short(size_bytes=len(partition)))
    magic, version, length, digest = _HEAD.unpack_from(partition)
    if magic != MAGIC:
        raise PartitionError(reasons.image.foreign_settings())
    if version != FORMAT_VERSION:
        raise PartitionError(reasons.image.settings_version(version=version, known_version=FORMAT_VERSION))
    document = partition[_HEAD.size : _HEAD.size + length]
    if len(document) != length:
        raise PartitionError(reasons.image.settings_cut(length_bytes=length, found_bytes=len(document)))
    if hashlib.sha256(document).digest() != digest:
        raise PartitionError(reasons.image.settings_damaged())
    try:
        return decode_order(document)
    except WorkOrderError as error:
        raise PartitionError(reasons.image.order_on_card(cause=error.why)) from error
