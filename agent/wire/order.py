"""The work order: all that an installer carries to a site for one gateway, and what flashing writes.

JSON, made by the fleet.  ``token`` is single-use and bound to the EUI; it never goes over the network:
the gateway proves that it has it (``enrolment.py``).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from agent.wire import reasons
from agent.wire.configuration import Strict, Unfit
from agent.wire.eui import parse_eui
from agent.wire.misfit import misfit
from agent.wire.resolved import resolved


class WorkOrder(Strict, frozen=True, kw_only=True):
    """Settings of one gateway before its first boot."""

    format: int = 1
    eui: str
    site: str
    """For the installer's eyes, such as ``Mairie de Vouvray``."""
    enrol_url: str
    """Base address of the fleet, ``https://…``; POST {enrol_url}/api/v1/enrolments."""
    token: str
    """Single-use enrolment token, 32 bytes in URL-safe base64."""
    valid_until_us: int
    fleet_ca_pem: str
    fleet_public_key: str
    """Ed25519 public key that signs configurations, 32 bytes as hex."""
    configuration: bytes
    """Version 1 of the signed configuration, ``envelope.encode_envelope`` bytes (base64 in JSON)."""
    bus: str = "spi:/dev/spidev0.0"
    """``spi:DEVICE``, ``usb:DEVICE`` or ``socket:PATH`` (a virtual chip)."""
    number: int = 0
    """The number of the fleet's work order; 0: none, there is no acceptance on site."""
    code: Annotated[str, Meta(pattern=r"^([0-9]{8})?$")] = ""
    """Opens the acceptance on the local page; stands on the installer's sheet."""
    commune: str = ""
    latitude_deg: float | None = None
    """The registry says where the site is; None: it does not."""
    longitude_deg: float | None = None
    stability_s: Annotated[int, Meta(ge=1, le=3600)] = 600
    """How long the acceptance watches the backhaul, in seconds."""

    def __post_init__(self) -> None:
        if parse_eui(self.eui) != self.eui:
            raise Unfit(reasons.image.order_eui())


resolved(WorkOrder)


class WorkOrderError(reasons.ReasonedError, ValueError):
    """A document that is not a work order; ``why`` names the field."""


def encode_order(order: WorkOrder) -> bytes:
    """Return the order as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(order), indent=1)


def decode_order(document: bytes) -> WorkOrder:
    """Return the order in ``document``.

    Raises:
        WorkOrderError: not JSON, or a field that does not fit.
    """
    try:
        return msgspec.json.decode(document, type=WorkOrder)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise WorkOrderError(reasons.image.order_unfit(cause=misfit(WorkOrder, document, error))) from error
