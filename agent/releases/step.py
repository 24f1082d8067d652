"""The A/B machine of releases: one pure function.

    state     event                               ->  state                       command
    any       Starting, no trial                  ->  one more start, of a slot   Start the good one
    any       Starting, good starts at the limit  ->  base good, that one given up  Start the base
    trial     Starting, starts below the limit    ->  one more start              Start the trial
    trial     Starting, starts at the limit       ->  no trial                    Start the good one
    any       Emptied a free slot                 ->  it holds nothing            -
    any       Emptied a slot that is needed       ->  unchanged                   Refuse
    any       Kept in a free slot                 ->  it holds that release       -
    any       Wanted what runs                    ->  unchanged; that is good, if here and not on trial
    any       Wanted what is not here             ->  unchanged                   Refuse
    any       Wanted on trial                     ->  trial, no start yet         Restart
    any       Wanted, the trial is over           ->  that is good, no trial      Restart
    trial     Confirmed                           ->  the trial is good           -
    any       Damaged                             ->  its slot holds nothing; good is the base, if it was good
    any       Lived, no trial                     ->  no start counted            -
    otherwise                                     ->  unchanged                   -

Whether a trial succeeds is not decided here: the configuration that asks for the release is on trial, and its
machine (``agent.configuration.step``) waits for the fleet's proof, or goes back.
"""

from msgspec.structs import replace

from agent.releases.model import (
    BASE,
    GOOD_STARTS_LIMIT,
    STARTS_LIMIT,
    Command,
    Confirmed,
    Damaged,
    Emptied,
    Event,
    Filled,
    Kept,
    Ledger,
    Lived,
    Refuse,
    Restart,
    Start,
    Starting,
    Wanted,
)
from agent.wire import reasons


def step(ledger: Ledger, event: Event) -> tuple[Ledger, Command | None]:
    """Return the ledger after ``event``, to be on disk before the command is carried out."""
    match event:
        case Starting():
            return _starting(ledger)
        case Emptied() | Kept():
            return _slot(ledger, event)
        case Wanted():
            return _wanted(ledger, event)
        case Confirmed() if ledger.trial is not None:
            ledger = replace(ledger, good=ledger.trial, trial=None, starts=0)
        case Lived() if ledger.trial is None:
            ledger = replace(ledger, starts=0)
        case Damaged() if event.name != BASE:
            ledger = _without(ledger, event.name)
    return ledger, None


def _starting(ledger: Ledger) -> tuple[Ledger, Command]:
    if ledger.trial is None and ledger.good == BASE:
        return ledger, Start(name=BASE)
    if ledger.trial is None and ledger.starts >= GOOD_STARTS_LIMIT:
        return replace(_without(ledger, ledger.good), given_up=ledger.good), Start(name=BASE)
    if ledger.trial is None:
        return replace(ledger, starts=ledger.starts + 1), Start(name=ledger.good)
    if ledger.starts >= STARTS_LIMIT:
        return replace(ledger, trial=None, starts=0), Start(name=ledger.good)
    return replace(ledger, starts=ledger.starts + 1), Start(name=ledger.trial)


def _slot(ledger: Ledger, event: Emptied | Kept) -> tuple[Ledger, Command | None]:
    needed = {ledger.slot_of(ledger.good), ledger.slot_of(ledger.trial or BASE)}
    if event.slot in needed:
        return ledger, Refuse(why=reasons.release.slot_needed(slot=event.slot))
    others = tuple(each for each in ledger.filled if each.slot != event.slot)
    if isinstance(event, Emptied):
        return replace(ledger, filled=others), None
    others = tuple(each for each in others if each.name != event.name)
    given_up = None if event.name == ledger.given_up else ledger.given_up
    filled = (*others, Filled(name=event.name, slot=event.slot))
    return replace(ledger, given_up=given_up, filled=filled), None


def _wanted(ledger: Ledger, event: Wanted) -> tuple[Ledger, Command | None]:
    if event.name == event.running:
        settled = not ledger.has(event.name) or (ledger.trial is None and ledger.good == event.name)
        after = (
            ledger if event.on_trial or settled else replace(ledger, good=event.name, trial=None, starts=0)
        )
        return after, None
    if event.name == ledger.given_up:
        return ledger, Refuse(why=reasons.release.crashed(name=event.name, starts=GOOD_STARTS_LIMIT))
    if not ledger.has(event.name):
        return ledger, Refuse(why=reasons.release.not_here(name=event.name))
    if event.on_trial:
        return replace(ledger, trial=event.name, starts=0), Restart()
    return replace(ledger, good=event.name, trial=None, starts=0), Restart()


def _without(ledger: Ledger, name: str) -> Ledger:
    touched = name in (ledger.good, ledger.trial)
    return replace(
        ledger,
        good=BASE if ledger.good == name else ledger.good,
        trial=None if ledger.trial == name else ledger.trial,
        starts=0 if touched else ledger.starts,
        filled=tuple(each for each in ledger.filled if each.name != name),
    )
