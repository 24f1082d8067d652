"""The facts of one screen put together, out of every part of the agent."""

from dataclasses import asdict, dataclass, field

from agent import RELEASE
from agent.clock import Clock
from agent.enrol.step import Enrolment
from agent.host.fields import Fields
from agent.host.vitals import Vitals
from agent.journal.journal import Journal
from agent.journal.store import JOURNAL
from agent.link.mqtt import Link
from agent.observation import ConnectorState, DataPathState, ShownCode
from agent.status.status import ConnectorStatus, ReleaseStatus, Status
from agent.wire.messages import ConfigReported, ConfigState, Radio
from agent.wire.order import WorkOrder
from agent.wire.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """What health and supervision know."""

    hearing: tuple[Reason, ...] = ()
    """Why this gateway suspects that it hears less than it should."""
    power: str = ""
    month: Fields = field(default_factory=dict)
    month_stopped: Reason | None = None
    gnss: Fields = field(default_factory=dict)
    release: ReleaseStatus = ReleaseStatus()
    card: Reason | None = None
    """Why the state is kept in memory; None: the card takes it."""
    onsite: ShownCode | None = None
    """The code on site, while the fleet asks for it to be shown."""


def gather(
    order: WorkOrder,
    state: DataPathState,
    enrolment: Enrolment,
    reported: ConfigReported,
    *,
    vitals: Vitals,
    link: Link,
    journal: Journal,
    clock: Clock,
    certificate_expires_at_us: int | None,
    more: "More",
) -> Status:
    """Return the facts of one screen."""
    enrolled = certificate_expires_at_us is not None
    return Status(
        eui=order.eui,
        site=order.site,
        version=RELEASE,
        uptime_ms=journal.uptime_ms(),
        radio=Radio(state.radio).name,
        radio_reason=state.radio_reason,
        connectors=tuple(_connector(connector, clock) for connector in state.connectors),
        spool_records=state.balance.reserve if state.balance else state.spool_records,
        restored=state.balance.restored if state.balance else 0,
        losses=dict(state.dropped),
        end_to_end=state.end_to_end,
        unbalanced=state.balance.off if state.balance else 0,
        spool_accepting=state.spool_accepting,
        received=state.received,
        delivered=state.delivered,
        dropped=state.dropped_total,
        transmitted=state.transmitted,
        enrolment="enrolled" if enrolled else str(enrolment.outcome or ""),
        enrolment_reason=None if enrolled else enrolment.why,
        certificate_expires_at_us=certificate_expires_at_us,
        link_online=link.online,
        link_reason=link.reason,
        link_host=link.host,
        config_version=reported.version,
        config_state=ConfigState(reported.state).name,
        config_reason=reported.why,
        journal_pending=journal.outbox.pending(JOURNAL),
        time_quality=int(clock.quality()),
        vitals=asdict(vitals),
        counters=dict(state.counters),
        onsite_code="" if more.onsite is None else more.onsite.code,
        onsite_ticket=0 if more.onsite is None else more.onsite.ticket,
        onsite_left_s=0 if more.onsite is None else more.onsite.left_s,
        hearing=more.hearing,
        power=more.power,
        month=more.month,
        month_stopped=more.month_stopped,
        backhaul_rtt_ms=link.rtt_ms(),
        duty_percent=max((100 * used // allowed for used, allowed in state.airtime.values()), default=0),
        gnss=more.gnss,
        card=more.card,
        release=more.release,
    )


def _connector(connector: ConnectorState, clock: Clock) -> ConnectorStatus:
    answered_us = connector.last_answer_us
    return ConnectorStatus(
        name=connector.name,
        up=connector.up,
        reason=connector.reason,
        queued=connector.queued,
        kind=connector.kind,
        answer_age_ms=-1 if answered_us is None else (clock.monotonic_us() - answered_us) // 1000,
    )
