"""What overtakes a message: every occasion by every state of the ticket."""

import pytest

from fleet.durations import HOUR_US
from fleet.notify.compose import Occasion
from fleet.paging.validity import HURRIES, TO_TAKE, Overtaken, Statement, decide
from fleet.tickets.model import Criticality, Origin, Ticket, TicketState

T0 = 1_000 * HOUR_US
STATES = {
    "open": {},
    "taken": {"state": TicketState.ACKNOWLEDGED, "acknowledged_at_us": T0},
    "on site": {"state": TicketState.ON_SITE, "acknowledged_at_us": T0, "on_site_at_us": T0},
    "restored": {"state": TicketState.RESTORED, "restored_at_us": T0},
    "closed": {"state": TicketState.CLOSED, "restored_at_us": T0, "closed_at_us": T0},
    "merged": {"state": TicketState.MERGED, "merged_into": 2, "closed_at_us": T0},
}


def ticket(**values: object) -> Ticket:
    made: dict[str, object] = {"state": TicketState.REPORTED, "criticality": Criticality.CRITICAL}
    return Ticket(
        id=1,
        incident_id=1,
        origin=Origin.TELEMETRY,
        title="Azay",
        worst_criticality=Criticality.CRITICAL,
        resolution_limit_us=24 * HOUR_US,
        began_at_us=T0,
        reported_at_us=T0,
        **(made | values),  # type: ignore[arg-type]
    )


def decided(occasion: Occasion, *, begun: bool = True, **values: object) -> Overtaken | None:
    statement = Statement(ticket_id=1, occasion=occasion, criticality=Criticality.CRITICAL)
    return decide(statement, ticket(**values), beginning_told=begun)


@pytest.mark.parametrize("occasion", [one for one in Occasion if one is not Occasion.ENDED])
@pytest.mark.parametrize("state", STATES)
def test_what_calls_somebody_holds_only_while_somebody_is_needed(occasion: Occasion, state: str) -> None:
    found = decided(occasion, **STATES[state])
    if state in ("restored", "closed", "merged"):
        assert found is Overtaken.OVER
    elif state != "open" and occasion in TO_TAKE:
        assert found is Overtaken.TAKEN
    elif state == "on site" and occasion in HURRIES:
        assert found is Overtaken.ON_SITE
    else:
        assert found is None


@pytest.mark.parametrize("state", STATES)
def test_the_end_holds_while_it_is_over_and_where_the_beginning_was_told(state: str) -> None:
    over = state in ("restored", "closed", "merged")
    assert decided(Occasion.ENDED, **STATES[state]) is (None if over else Overtaken.LOST_AGAIN)
    if over:
        assert decided(Occasion.ENDED, begun=False, **STATES[state]) is Overtaken.NEVER_TOLD


@pytest.mark.parametrize("criticality", [Criticality.MAJOR, Criticality.MINOR])
def test_another_criticality_than_written_is_written_anew(criticality: Criticality) -> None:
    assert decided(Occasion.REMINDER, criticality=criticality) is Overtaken.REGRADED
    assert decided(Occasion.ENDED, criticality=criticality, **STATES["restored"]) is None
