"""What is seen of the gateways of a rollout: their version, whether they serve, why they cannot begin."""

from sqlalchemy import Connection, RowMapping

from agent.wire.messages import ConfigReported, ConfigState
from fleet.configurations import store as configurations
from fleet.facts.settings import ContractSettings
from fleet.facts.states import GatewayState
from fleet.lang.paris import paris
from fleet.live.model import NetworkNow
from fleet.rollouts import store
from fleet.rollouts.model import GatewayStep, Hold, Observed, Rollout, RolloutSettings, Seen, Step
from fleet.rollouts.store import StoredRollout
from fleet.safety.view import commune_budget_us

FAILED_STATES = {ConfigState.ROLLED_BACK: Seen.ROLLED_BACK, ConfigState.REFUSED: Seen.REFUSED}
UNSETTLED = frozenset({ConfigState.TRIAL, ConfigState.WAITING, ConfigState.FETCHING})


def observe(connection: Connection, stored: StoredRollout, network: NetworkNow) -> dict[str, Observed]:
    """Return every gateway of a rollout as it is seen now."""
    euis = list(stored.rollout.steps)
    desired = {row["eui"]: row for row in configurations.desired_rows(connection, euis)}
    reports = configurations.reports_of(connection, euis)
    elsewhere = store.busy_gateways(connection, except_id=stored.id)
    found: dict[str, Observed] = {}
    for eui, one in stored.rollout.steps.items():
        row = reports.get(eui)
        report = None if row is None else configurations.reported(row)
        gateway = network.gateways.get(eui)
        found[eui] = Observed(
            seen=_seen(one, desired.get(eui), report),
            serving=gateway is not None and gateway.state is GatewayState.SERVING,
            hold=_hold(one, None if gateway is None else gateway.state, report, busy=eui in elsewhere),
            reason=row["reason"] if row is not None else "",
            registered=gateway is not None,
        )
    return found


def _seen(one: GatewayStep, desired: RowMapping | None, report: ConfigReported | None) -> Seen:
    if one.version is None or desired is None or report is None or report.seen_version < one.version:
        return Seen.NOTHING
    if desired["version"] == one.version and report.state in FAILED_STATES:
        return FAILED_STATES[report.state]
    runs = report.state is ConfigState.CONFIRMED and report.version >= one.version
    return Seen.WORKING if runs and desired["confirmed_at_us"] is not None else Seen.NOTHING


def _hold(one: GatewayStep, state: GatewayState | None, report: ConfigReported | None, *, busy: bool) -> Hold:
    if one.step is not Step.PENDING:
        return Hold.NONE
    if state is GatewayState.MAINTENANCE:
        return Hold.MAINTENANCE
    if state is not GatewayState.SERVING:
        return Hold.OFFLINE
    return Hold.OTHER if busy or (report is not None and report.state in UNSETTLED) else Hold.NONE


def what_holds_all(rollout: Rollout, network: NetworkNow, settings: ContractSettings, now_us: int) -> Hold:
    """Return why no gateway begins at this hour, or with this little of the error budget left."""
    if not is_within_hours(rollout.settings, now_us):
        return Hold.WINDOW
    left, whole = budget_of(network, settings)
    if whole and left * 1_000_000 < rollout.settings.budget_left_min_ppm * whole:
        return Hold.BUDGET
    return Hold.NONE


def is_within_hours(settings: RolloutSettings, now_us: int) -> bool:
    """Return whether gateways may begin at this hour of Paris; hours may go over midnight."""
    hour = paris(now_us).hour
    if settings.from_hour < settings.until_hour:
        return settings.from_hour <= hour < settings.until_hour
    return hour >= settings.from_hour or hour < settings.until_hour


def budget_of(network: NetworkNow, settings: ContractSettings) -> tuple[int, int]:
    """Return what is left of the communes' error budgets together, and how much they were, microseconds.

    A commune that has broken its promise takes no more than its own budget away.
    """
    whole_us = commune_budget_us(network.at_us, settings)
    left = [min(max(one.budget_left_us, 0), whole_us) for one in network.communes.values()]
    return sum(left), whole_us * len(left)
