"""Whose rows these are: every table of the fleet, for somebody with a territory.

A territory is a set of communes.  A site lies in one, a gateway hangs at a site, a ticket is of a commune,
of a site, or of an incident with one of its gateways.  What is of nobody in particular (duty, spare parts,
our own sight) is for everybody; what is of all at once (closed months as files, other people's notes of a
shift) is for people without a territory.  A table that is not named here cannot be read with a territory.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Exists,
    FromClause,
    Select,
    String,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
)

from fleet.db.base import metadata
from fleet.db.bounded import Bound, Bounds

OF_A_GATEWAY = (
    "acceptances",
    "certificates",
    "commissioning",
    "configuration_versions",
    "delivered_frames",
    "deliveries",
    "enrolment_tokens",
    "hangings",
    "heard",
    "heard_packed",
    "heartbeat_runs",
    "incident_gateways",
    "incoherences",
    "journal_progress",
    "journal_records",
    "latest",
    "lns_heard",
    "notes",
    "presence_edges",
    "quarantines",
    "reported_configurations",
    "rollout_gateways",
    "statements",
    "vitals",
    "words",
)
OF_A_TICKET = (
    "outbox_tickets",
    "presence_challenges",
    "presence_tries",
    "report_mails",
    "ticket_attachments",
    "ticket_events",
    "ticket_links",
    "ticket_pauses",
    "ticket_steps",
)
OF_EVERYBODY = (
    "blindness",
    "clock_events",
    "configuration_layers",
    "connectivity_days",
    "counters",
    "coverage_months",
    "marks",
    "month_seals_mailed",
    "month_timestamps",
    "notify_channels",
    "on_call",
    "part_moves",
    "people",
    "plan_gaps",
    "pulse_edges",
    "pulses",
    "rotations",
    "sessions",
    "spare_parts",
    "timers",
)
OF_THE_WHOLE = (
    "air_surveys",
    "connectivity_members",
    "month_comparisons",
    "month_snapshots",
    "object_months",
    "objects",
)
TOPIC_EUI_FROM = len("vdl/1/") + 1
EUI_CHARACTERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Who asks, and the communes of their territory."""

    name: str
    insees: frozenset[str]
    dialect: str

    def bounds(self) -> Bounds:
        """Return the bound of every table."""
        return _Rules(self).bounds()


class _Rules:
    """Conditions over the tables; every inner query has names of its own, so that none meets the outer."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._insees = sorted(reach.insees)

    def bounds(self) -> dict[str, Bound]:
        found = {name: Bound() for name in OF_EVERYBODY}
        found |= {name: Bound(rows=_nothing, writable=False) for name in OF_THE_WHOLE}
        gateway, ticket = self._of("eui", self.euis), self._of("ticket_id", self.tickets)
        of_gateway, of_ticket = {"eui": "gateways.eui"}, {"ticket_id": "tickets.id"}
        found |= {name: Bound(rows=gateway, refers=of_gateway) for name in OF_A_GATEWAY}
        found |= {name: Bound(rows=ticket, refers=of_ticket) for name in OF_A_TICKET}
        return found | self._registry() | self._work() | self._ours()

    def _registry(self) -> dict[str, Bound]:
        in_commune = self._of_commune("commune_insee")
        insees = self._reach.insees
        return {
            "communes": Bound(rows=self._of_commune("insee"), values={"insee": insees}),
            "commune_changes": Bound(rows=self._of_commune("insee"), writable=False),
            "month_coverages": Bound(rows=in_commune, writable=False),
            "memberships": Bound(
                rows=in_commune, values={"commune_insee": insees}, refers={"eui": "gateways.eui"}
            ),
            "sites": Bound(rows=in_commune, values={"commune_insee": insees}, refers={"key": "sites.key"}),
            "agreements": Bound(rows=self._of("site_id", self.sites), refers={"site_id": "sites.id"}),
            "work_orders": Bound(
                rows=self._of("site_id", self.sites), refers={"eui": "gateways.eui", "site_id": "sites.id"}
            ),
            "acceptance_photos": Bound(
                rows=self._of("acceptance_id", self.acceptances),
                refers={"acceptance_id": "acceptances.id"},
            ),
            "gateways": Bound(
                rows=self._of("site_id", self.sites), refers={"eui": "gateways.eui", "site_id": "sites.id"}
            ),
        }

    def _work(self) -> dict[str, Bound]:
        incident = self._of("incident_id", self.incidents)
        message = self._of("outbox_id", self.messages)
        refers = {"site_id": "sites.id", "commune_insee": "communes.insee", "incident_id": "incidents.id"}
        return {
            "tickets": Bound(rows=self._is_ticket, refers=refers),
            "incidents": Bound(rows=self._of("id", self.incidents)),
            "incident_events": Bound(rows=incident, refers={"incident_id": "incidents.id"}),
            "incident_findings": Bound(rows=incident, refers={"incident_id": "incidents.id"}),
            "maintenances": Bound(
                rows=self._some_gateway, written=self._only_gateways, refers={"euis": "gateways.eui"}
            ),
            "works_notices": Bound(
                rows=self._of("works_id", self.works), refers={"works_id": "maintenances.id"}
            ),
            "rollouts": Bound(rows=self._of("id", self.rollouts), written=self._only_own_rollout),
            "approvals": Bound(
                rows=self._is_request, written=self._is_own_request, refers={"subject": "gateways.eui"}
            ),
            "outbox": Bound(rows=self._of("id", self.messages)),
            "delivery_attempts": Bound(rows=message),
        }

    def _ours(self) -> dict[str, Bound]:
        """Return the bounds of what people and the process leave behind."""
        mine = self._reach.name
        return {
            "shift_entries": Bound(rows=lambda table: table.c.who == mine),
            "audit_log": Bound(rows=lambda table: or_(table.c.who == mine, table.c.subject.in_(self.euis()))),
            "refused_messages": Bound(rows=self._is_topic, writable=False),
            "month_versions": Bound(whole=frozenset({"facts", "figures", "difference"}), writable=False),
            "users": Bound(rows=lambda table: table.c.name == mine, writable=False),
            "api_tokens": Bound(rows=_nothing, writable=False),
        }

    def sites(self) -> Select[Any]:
        """Return the query of the sites within reach."""
        site = _alias("sites")
        return select(site.c.id).where(site.c.commune_insee.in_(self._insees))

    def euis(self) -> Select[Any]:
        """Return the query of the gateways within reach."""
        gateway = _alias("gateways")
        return select(gateway.c.eui).where(gateway.c.site_id.in_(self.sites()))

    def acceptances(self) -> Select[Any]:
        """Return the query of the acceptances of gateways within reach."""
        acceptance = _alias("acceptances")
        return select(acceptance.c.id).where(acceptance.c.eui.in_(self.euis()))

    def tickets(self) -> Select[Any]:
        """Return the query of the tickets within reach."""
        ticket = _alias("tickets")
        return select(ticket.c.id).where(self._is_ticket(ticket))

    def incidents(self) -> CompoundSelect[Any]:
        """Return the query of the incidents with a gateway within reach, or a ticket."""
        part, ticket = _alias("incident_gateways"), _alias("tickets")
        of_a_ticket = select(ticket.c.incident_id).where(
            self._local(ticket), ticket.c.incident_id.is_not(None)
        )
        return select(part.c.incident_id).where(part.c.eui.in_(self.euis())).union(of_a_ticket)

    def messages(self) -> Select[Any]:
        """Return the query of the messages about tickets within reach."""
        link = _alias("outbox_tickets")
        return select(link.c.outbox_id).where(link.c.ticket_id.in_(self.tickets()))

    def works(self) -> Select[Any]:
        """Return the query of the planned works with a gateway within reach."""
        works = _alias("maintenances")
        return select(works.c.id).where(self._some_gateway(works))

    def rollouts(self) -> Select[Any]:
        """Return the query of the rollouts with a gateway within reach."""
        part = _alias("rollout_gateways")
        return select(part.c.rollout_id).where(part.c.eui.in_(self.euis()))

    def _only_own_rollout(self, rollout: FromClause) -> ColumnElement[bool]:
        part = _alias("rollout_gateways")
        foreign = select(part.c.rollout_id).where(part.c.eui.not_in(self.euis()))
        return rollout.c.id.in_(self.rollouts()) & rollout.c.id.not_in(foreign)

    def _is_request(self, request: FromClause) -> ColumnElement[bool]:
        """Return whether a request is about a gateway of the territory, or a rollout with one."""
        part = _alias("rollout_gateways")
        named = select(literal("rollout ") + cast(part.c.rollout_id, String)).where(
            part.c.eui.in_(self.euis())
        )
        return or_(request.c.subject.in_(self.euis()), request.c.subject.in_(named))

    def _is_own_request(self, request: FromClause) -> ColumnElement[bool]:
        part = _alias("rollout_gateways")
        foreign = select(literal("rollout ") + cast(part.c.rollout_id, String)).where(
            part.c.eui.not_in(self.euis())
        )
        return self._is_request(request) & request.c.subject.not_in(foreign)

    def _local(self, ticket: FromClause) -> ColumnElement[bool]:
        return or_(ticket.c.commune_insee.in_(self._insees), ticket.c.site_id.in_(self.sites()))

    def _is_ticket(self, ticket: FromClause) -> ColumnElement[bool]:
        """Return whether a ticket is of the territory by commune or site, else by its incident's gateways."""
        part = _alias("incident_gateways")
        incident = select(part.c.incident_id).where(part.c.eui.in_(self.euis()))
        unplaced = and_(
            func.coalesce(ticket.c.commune_insee, "") == "",
            ticket.c.site_id.is_(None),
            ticket.c.incident_id.in_(incident),
        )
        return or_(self._local(ticket), unplaced)

    def _is_topic(self, message: FromClause) -> ColumnElement[bool]:
        eui: ColumnElement[str] = func.substr(message.c.topic, TOPIC_EUI_FROM, EUI_CHARACTERS)
        return eui.in_(self.euis())

    def _some_gateway(self, works: FromClause) -> ColumnElement[bool]:
        return self._gateway_of(works, lambda eui: eui.in_(self.euis()))

    def _only_gateways(self, works: FromClause) -> ColumnElement[bool]:
        return ~self._gateway_of(works, lambda eui: eui.not_in(self.euis()))

    def _gateway_of(
        self, works: FromClause, condition: Callable[[ColumnElement[Any]], ColumnElement[bool]]
    ) -> Exists:
        unfold = "json_each" if self._reach.dialect == "sqlite" else "json_array_elements_text"
        each: Any = getattr(func, unfold)
        each = each(works.c.euis).table_valued("value")
        return exists(select(1).select_from(each).where(condition(each.c.value)))

    def _of_commune(self, column: str) -> Callable[[FromClause], ColumnElement[bool]]:
        return lambda table: table.c[column].in_(self._insees)

    def _of(
        self, column: str, within: Callable[[], "Select[Any] | CompoundSelect[Any]"]
    ) -> Callable[[FromClause], ColumnElement[bool]]:
        return lambda table: table.c[column].in_(within())


def reach_of(name: str, territories: Iterable[str], rows: Iterable[Any], dialect: str) -> Reach:
    """Return the communes among ``rows`` (insee, epci, departement) that a territory names."""
    named = frozenset(territories)
    inside = (row.insee for row in rows if not named.isdisjoint((row.insee, row.epci, row.departement)))
    return Reach(name=name, insees=frozenset(inside), dialect=dialect)


def _nothing(_: FromClause) -> ColumnElement[bool]:
    return false()


def _alias(name: str) -> FromClause:
    return metadata.tables[name].alias()
