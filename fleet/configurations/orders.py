"""Work orders: a single-use token and version 1 of the signed configuration for one gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from agent.wire.configuration import Configuration, FleetConfig
from agent.wire.envelope import encode_envelope
from agent.wire.order import WorkOrder
from fleet.configurations.change import change
from fleet.configurations.issue import issue_version
from fleet.configurations.lns import contractual_connector
from fleet.identity import audit
from fleet.identity.enrolments import order_secrets
from fleet.identity.foundation import Keys
from fleet.lang.reasons import FleetReason, own
from fleet.registry.store import Gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What `fleet order` is asked for, beside the gateway."""

    lns: str
    """As ``fleet.configurations.lns`` reads it, such as ``chirpstack://lns.example``."""
    broker: FleetConfig
    enrol_url: str
    bus: str
    stability_s: int = 600
    """How long the acceptance on site watches the backhaul, in seconds."""
    changes: Mapping[str, str] = field(default_factory=dict)
    """Settings of version 1 by path, as `fleet configure --set` names them."""


def first_configuration(wanted: Wanted) -> Configuration:
    """Return version 1: one contractual connector, the fleet's broker, ``changes``, defaults elsewhere.

    Later changes that touch the service wait for the fleet's permit, unless ``changes`` say otherwise.

    Raises:
        ConfigurationError: a change names no setting, or a value outside its rule.
        AddressRefused: the server's address is none.
    """
    lns = contractual_connector(wanted.lns)
    first = Configuration(connectors=(lns,), fleet=wanted.broker, permit_needed=True)
    return change(first, wanted.changes)


def make_order(
    connection: Connection,
    keys: Keys,
    gateway: Gateway,
    wanted: Wanted,
    *,
    number: int,
    valid_until_us: int,
    who: str,
    now_us: int,
) -> WorkOrder:
    """Return what is flashed for work order ``number``, whose token is stored, with version 1 signed anew."""
    envelope = issue_version(
        connection,
        keys.signing,
        eui=gateway.eui,
        configuration=first_configuration(wanted),
        who=who,
        now_us=now_us,
        reason=own(FleetReason.WORK_ORDER),
        by_image=True,
    )
    audit.record(
        connection,
        now_us=now_us,
        who=who,
        action="gateway.order",
        subject=gateway.eui,
        after={"order": number, "valid_until_us": valid_until_us, "version": envelope.version},
    )
    secret = order_secrets(keys.authority, number, gateway.eui)
    return WorkOrder(
        eui=gateway.eui,
        site=gateway.site_name,
        enrol_url=wanted.enrol_url,
        token=secret.token,
        valid_until_us=valid_until_us,
        fleet_ca_pem=keys.authority.pem,
        fleet_public_key=keys.signing_public_hex,
        configuration=encode_envelope(envelope),
        bus=wanted.bus,
        number=number,
        code=secret.code,
        stability_s=wanted.stability_s,
    )
