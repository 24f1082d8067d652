"""What flashing will write, decided before the first byte: pieces in order, their size, and why not.

Pure: facts about order, base image and target come in, a plan or a refusal goes out.
"""

from dataclasses import dataclass
from enum import StrEnum

from agent.wire.order import WorkOrder
from agent.wire.partition import PARTITION_BYTES, add_settings, encode_settings


class Refusal(StrEnum):
    """Why a target is not written; the command line has a sentence with the fix for each."""

    MOUNTED = "mounted"
    TOO_SMALL = "too_small"
    DEVICE_UNCONFIRMED = "device_unconfirmed"
    NOT_A_TARGET = "not_a_target"
    ORDER_EXPIRED = "order_expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Facts about the place that is written; ``capacity_bytes`` None for a file that may grow."""

    is_device: bool
    is_other: bool
    mounted_on: tuple[str, ...]
    capacity_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sector 0, then the base image from ``SECTOR_BYTES`` on or zeros, and the settings at their offset."""

    sector0: bytes
    base_bytes: int
    settings_offset: int
    settings: bytes

    @property
    def total_bytes(self) -> int:
        """Length of the finished image."""
        return max(self.settings_offset + PARTITION_BYTES, self.base_bytes)


def make_plan(
    order: WorkOrder, *, base_sector0: bytes, base_bytes: int, reserved_empty: bool = False
) -> Plan:
    """Return the plan for ``order`` on a base image (0 bytes: none).

    Raises:
        PartitionError: the base image has no room for the settings, or the order does not fit.
    """
    sector0, offset = add_settings(base_sector0, image_bytes=base_bytes, reserved_empty=reserved_empty)
    return Plan(
        sector0=sector0, base_bytes=base_bytes, settings_offset=offset, settings=encode_settings(order)
    )


def refusal(plan: Plan, target: Target, order: WorkOrder, *, confirmed: bool, now_us: int) -> Refusal | None:
    """Return why this target must not be written, or None."""
    if order.valid_until_us <= now_us:
        return Refusal.ORDER_EXPIRED
    if target.is_other:
        return Refusal.NOT_A_TARGET
    if target.mounted_on:
        return Refusal.MOUNTED
    if target.capacity_bytes is not None and target.capacity_bytes < plan.total_bytes:
        return Refusal.TOO_SMALL
    if target.is_device and not confirmed:
        return Refusal.DEVICE_UNCONFIRMED
    return None
