"""The work order on the gateway: from the settings partition into the state folder, the token wiped later.

``settings.json`` (0600) is the truth after the first boot.  A card that was flashed again for this state
folder is believed when its order is valid for longer; the gateway then enrols again with it.
"""

import os
from pathlib import Path

import msgspec

from agent.durable import write_durably, write_if_possible
from agent.wire.order import WorkOrder, WorkOrderError, decode_order, encode_order
from agent.wire.partition import (
    MAGIC,
    PARTITION_BYTES,
    SECTOR_BYTES,
    PartitionError,
    decode_settings,
    encode_settings,
    settings_entry,
)
from agent.wire.reasons import text


class SettingsError(ValueError):
    """No usable settings; says which file and what to do."""


def load_settings(state: Path, image: Path | None) -> WorkOrder:
    """Return the work order of this gateway, copying it from ``image`` at the first boot.

    Of card and state folder one that can be read is enough: the other is made again from it, or left.

    Raises:
        SettingsError: neither place has one that can be read.
    """
    path = state / "settings.json"
    stored, damage = _stored(path)
    if image is None:
        if stored is None:
            raise damage or SettingsError(
                f"{path}\u202f: absent, lancez avec --image FICHIER (passerelle provision flash)"
            )
        return stored
    try:
        order = _from_image(image)
    except SettingsError:
        if stored is None:
            raise
        return stored
    if stored is not None and not _newer(order, stored):
        return stored
    try:
        write_durably(path, encode_order(order))
    except OSError as error:
        if damage is None:
            raise SettingsError(f"{path}\u202f: la carte refuse l’écriture ({error.strerror})") from error
    return order


def _stored(path: Path) -> tuple[WorkOrder | None, SettingsError | None]:
    try:
        return decode_order(path.read_bytes()), None
    except FileNotFoundError:
        return None, None
    except WorkOrderError as error:
        return None, SettingsError(
            f"{path}\u202f: illisible, supprimez-le et relancez avec --image [{error}]"
        )


def _newer(order: WorkOrder, stored: WorkOrder) -> bool:
    """A card flashed again with a later order (a replaced certificate, an extended token) is believed."""
    return bool(order.token) and order.valid_until_us > stored.valid_until_us


def _from_image(image: Path) -> WorkOrder:
    try:
        with image.open("rb") as medium:
            medium.seek(_offset(medium.read(SECTOR_BYTES)))
            return decode_settings(medium.read(PARTITION_BYTES))
    except OSError as error:
        raise SettingsError(
            f"{image}\u202f: {error.strerror}, indiquez la carte ou l’image flashée"
        ) from error
    except PartitionError as error:
        raise SettingsError(f"{image}\u202f: {text(error.why, 'fr')}") from error


def _offset(first_sector: bytes) -> int:
    """Return where the settings begin: in a whole card or image, or in the partition's own device."""
    return 0 if first_sector.startswith(MAGIC) else settings_entry(first_sector).offset_bytes


def wipe_token(state: Path, image: Path | None, order: WorkOrder) -> WorkOrder:
    """Return the order without its token, gone from the state folder and, where possible, the card.

    A card that cannot be written keeps a token that is used up; that is no secret any more.
    """
    wiped = msgspec.structs.replace(order, token="")
    write_if_possible(state / "settings.json", encode_order(wiped))
    if image is not None:
        _wipe_image(image, order, wiped)
    return wiped


def _wipe_image(image: Path, order: WorkOrder, wiped: WorkOrder) -> None:
    try:
        if _from_image(image).token != order.token:
            return
        descriptor = os.open(image, os.O_RDWR)
    except (OSError, SettingsError):
        return
    try:
        offset = _offset(os.pread(descriptor, SECTOR_BYTES, 0))
        os.pwrite(descriptor, encode_settings(wiped), offset)
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)
