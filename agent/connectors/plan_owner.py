"""Who decides what the radio listens to: the signed configuration, or the one server that it names.

    server's plan as ours                  -> nothing, or a word that they agree again
    differs, its connector owns no plan    -> reported, once a change
    differs, its connector owns the plan   -> obeyed: kept on disk, the radio is started again
    cannot be listened to                  -> reported, what runs goes on

A plan that was obeyed holds after a restart without any server; another signed configuration ends it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agent.connectors.radio_plan import PlanError, RadioPlan, difference, plan_of, retuned
from agent.durable import write_if_possible
from agent.wire import reasons
from agent.wire.configuration import Configuration
from agent.wire.reasons import Reason
from hal.board_files import choose
from hal.errors import OurMistake
from hal.settings import Settings

OBEY_EVERY_US = 600_000_000
"""Two starts of the radio for a server's sake are so far apart: it receives nothing meanwhile."""
FILE_NAME = "radio-plan.json"


class _Kept(msgspec.Struct, frozen=True):
    origin: str
    multi: list[int]
    service: tuple[int, int, int] | None
    fsk: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What to put into the journal."""

    value: str
    reason: Reason


class PlanOwner:
    """Keeps the channels that run; ``plan_received`` judges those that a server asks for."""

    def __init__(
        self, directory: Path, configuration: Configuration, restart: Callable[[Reason], None]
    ) -> None:
        self._path = directory / FILE_NAME
        self._restart = restart
        self._reported: dict[str, Report | None] = {}
        self._obeyed_us: int | None = None
        self._configuration = configuration
        self._signed = _signed(configuration)
        self._plan = self._load()

    def settings(self) -> Settings:
        """Return what to open the concentrator with; from any thread.

        Raises:
            OurMistake: an unknown board or region.
        """
        radio = self._configuration.radio
        signed = choose(radio.board, plan=radio.region, public=radio.lorawan_public).settings
        plan = self._plan
        try:
            return signed if plan is None else retuned(signed, plan)
        except PlanError:
            return signed

    def reconfigure(self, configuration: Configuration) -> None:
        """Take over a signed configuration; the radio is started again when a server's plan ends with it."""
        before, self._configuration = self._plan, configuration
        self._signed = _signed(configuration)
        self._reported.clear()
        self._plan = self._load()
        if before is not None and self._plan != before:
            self._restart(reasons.radio.plan_ended())

    def runs(self, plan: RadioPlan) -> bool:
        """Return whether a plan is what the radio listens to."""
        return self._signed is not None and not difference(self._plan or plan_of(self._signed), plan)

    def plan_received(self, connector: str, plan: RadioPlan, now_us: int) -> Report | None:
        """Return what to report of a server's plan; None when it was reported before or is ours."""
        if self._signed is None:
            return None
        ours = self._plan or plan_of(self._signed)
        differs = difference(ours, plan)
        report = self._judge(connector, plan, differs, now_us) if differs else None
        if report == self._reported.get(connector):
            return None
        self._reported[connector] = report
        return report or Report(value="RADIO_PLAN_SAME", reason=reasons.plan.same())

    def _judge(self, connector: str, plan: RadioPlan, differs: tuple[Reason, ...], now_us: int) -> Report:
        if connector != _owner(self._configuration):
            return Report(value="RADIO_PLAN_DIFFERS", reason=reasons.plan.differs(differences=differs))
        assert self._signed is not None
        try:
            retuned(self._signed, plan)
        except PlanError as error:
            return Report(value="RADIO_PLAN_REFUSED", reason=reasons.plan.impossible(cause=error.why))
        if self._obeyed_us is not None and now_us - self._obeyed_us < OBEY_EVERY_US:
            return Report(value="RADIO_PLAN_REFUSED", reason=reasons.plan.too_often(differences=differs))
        self._obey(plan, now_us)
        return Report(value="RADIO_PLAN_OBEYED", reason=reasons.plan.obeyed(differences=differs))

    def _obey(self, plan: RadioPlan, now_us: int) -> None:
        self._plan, self._obeyed_us = plan, now_us
        kept = _Kept(_origin(self._configuration), sorted(plan.multi), plan.service, plan.fsk)
        write_if_possible(self._path, msgspec.json.encode(kept))
        self._restart(reasons.radio.plan_changed())

    def _load(self) -> RadioPlan | None:
        """Return the plan of an earlier run, where this configuration still names its owner."""
        if self._signed is None or not _owner(self._configuration):
            return None
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=_Kept)
            plan = RadioPlan(multi=frozenset(kept.multi), service=kept.service, fsk=kept.fsk)
            retuned(self._signed, plan)
        except (OSError, msgspec.DecodeError, msgspec.ValidationError, PlanError):
            return None
        return plan if kept.origin == _origin(self._configuration) else None


def _owner(configuration: Configuration) -> str:
    """Return the name of the connector that owns the plan; empty: none does."""
    return next((connector.name for connector in configuration.connectors if connector.owns_radio_plan), "")


def _origin(configuration: Configuration) -> str:
    """Return what a kept plan belongs to: the radio's settings, and the server that gave it."""
    owner = [
        (connector.name, connector.host, connector.port)
        for connector in configuration.connectors
        if connector.owns_radio_plan
    ]
    radio = configuration.radio
    return msgspec.json.encode([radio.board, radio.region, owner]).decode()


def _signed(configuration: Configuration) -> Settings | None:
    radio = configuration.radio
    try:
        return choose(radio.board, plan=radio.region, public=radio.lorawan_public).settings
    except OurMistake:
        return None
