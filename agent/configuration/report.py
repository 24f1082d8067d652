"""What a gateway reports of its configuration; pure."""

from agent.configuration.model import Ledger, State
from agent.wire import reasons
from agent.wire.messages import ConfigReported, ConfigState
from agent.wire.reasons import Reason

_STATES = {
    "confirmed": ConfigState.CONFIRMED,
    "refused": ConfigState.REFUSED,
    "rolled_back": ConfigState.ROLLED_BACK,
}


def reported(state: State, utc_us: int) -> ConfigReported:
    """Return the report to the fleet about ``state``."""
    ledger = state.ledger
    return ConfigReported(
        version=ledger.runs.version,
        sha256=ledger.runs.sha256,
        state=_state_of(ledger, fetching=state.fetching),
        seen_version=ledger.seen_version,
        reason="" if ledger.trial or ledger.waiting else ledger.reason,
        at_us=utc_us,
        why=_why(state),
    )


def _state_of(ledger: Ledger, *, fetching: bool) -> ConfigState:
    if ledger.trial:
        return ConfigState.TRIAL
    if ledger.waiting:
        return ConfigState.FETCHING if fetching else ConfigState.WAITING
    return _STATES[ledger.last]


def _why(state: State) -> Reason | None:
    ledger = state.ledger
    if ledger.trial:
        return None
    if ledger.waiting is None:
        return ledger.why
    if state.fetching and state.waiting is not None:
        return reasons.release.being_fetched(name=state.waiting.release.wanted)
    return reasons.configuration.waits_for_permit(version=ledger.waiting.version)
