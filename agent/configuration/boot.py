"""What to run at a start: the good slot, or, when the card damaged it, the work order's configuration again.

Going back to version 1 forgets which versions were seen, so that the broker's retained one comes on trial
again; a gateway on a mast that serves with its first configuration is worth more than one that refuses.
For the same reason the work order's configuration never expires on its card: the token does, and the fleet
may extend that.
"""

from agent.configuration.model import Ledger, State
from agent.configuration.slots import Slots, SlotUnreadable
from agent.wire.configuration import Configuration
from agent.wire.envelope import decode_envelope
from agent.wire.order import WorkOrder
from agent.wire.reasons import Reason


def version_of(order: WorkOrder) -> int:
    """Return the version of the configuration that a work order carries."""
    return decode_envelope(order.configuration).version


def open_state(slots: Slots, order: WorkOrder) -> tuple[State, Configuration, Reason | None]:
    """Return the state to begin with, the configuration to run, and what was damaged or None.

    Raises:
        SlotUnreadable, EnvelopeRefused, ConfigurationError: the work order has no usable one either.
    """
    try:
        ledger = slots.ledger()
        if ledger is not None and not (order.token and ledger.seen_version < version_of(order)):
            waiting = slots.load(ledger.waiting) if ledger.waiting else None
            state = State(ledger=ledger, waiting=waiting, trial=_trial_of(ledger, slots))
            return state, slots.load(ledger.good), None
        damage = None
    except SlotUnreadable as error:
        damage = error.why
    ledger = slots.begin(order.configuration)
    return State(ledger=ledger), slots.load(ledger.good), damage


def _trial_of(ledger: Ledger, slots: Slots) -> Configuration | None:
    """Return what is on trial; None: nothing, or the card damaged it, so that the boot goes back."""
    try:
        return slots.load(ledger.trial) if ledger.trial else None
    except SlotUnreadable:
        return None
