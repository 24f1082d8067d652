"""What takes seconds of the processor for a large network, as one port: reads the database, writes nothing.

``ReckonsHere`` does it in this process, ``fleet.child.process.Child`` beside it; both answer the same.
"""

from typing import Any, Protocol

import msgspec

from fleet.airtime.survey import NetworkAir, survey
from fleet.availability import document
from fleet.availability.reckoning import reckon
from fleet.db.connect import Database
from fleet.facts.settings import ContractSettings
from fleet.months.checking import differs_today
from fleet.months.closing import Version, figures_of
from fleet.months.inputs import load_month
from fleet.months.versions import next_version, version_of
from fleet.objects.counting import Counted, count_day
from fleet.objects.coverers import Coverages, reckon_coverages


class OpenMonth(msgspec.Struct, frozen=True, kw_only=True):
    """A month that is not closed, as it is known at an instant, in the form of a closed one."""

    digest: str
    """SHA-256 over all facts, those of the gateways among them."""
    facts: tuple[bytes, ...]
    """The document without what gateways said."""
    figures: dict[str, Any]


class Reckoner(Protocol):
    """Gives what months are made of; each may raise ValueError: not a month, or no such version."""

    def next_version(self, month: str, now_us: int) -> Version | None:
        """Return what closing a month would store (``fleet.months.versions.next_version``)."""

    def open_month(self, month: str, now_us: int) -> OpenMonth:
        """Return a month as it is known at ``now_us``."""

    def differences(self, month: str, number: int) -> tuple[str, ...]:
        """Return in what today's program would differ from a version (``checking.differs_today``)."""

    def coverages(self, month: str, now_us: int) -> Coverages:
        """Return who hears the sensors of a month."""

    def count_day(self, day: str) -> Counted:
        """Return the counts of a day's objects and addresses."""

    def survey_air(self, now_us: int) -> NetworkAir:
        """Return the air of the 24 hours before ``now_us``."""


class ReckonsHere:
    """The reckoner in this process."""

    def __init__(self, database: Database, settings: ContractSettings) -> None:
        self._database, self._settings = database, settings

    def next_version(self, month: str, now_us: int) -> Version | None:
        """Return what closing a month would store."""
        with self._database.read() as connection:
            return next_version(connection, month, self._settings, now_us=now_us)

    def open_month(self, month: str, now_us: int) -> OpenMonth:
        """Return a month as it is known at ``now_us``."""
        with self._database.read() as connection:
            given = load_month(connection, month, self._settings, now_us)
        lines = tuple(document.write(given))
        return OpenMonth(
            digest=document.digest_of_lines(lines),
            facts=tuple(document.without_evidence(lines)),
            figures=figures_of(given, reckon(given)),
        )

    def differences(self, month: str, number: int) -> tuple[str, ...]:
        """Return in what today's program would differ from a version."""
        with self._database.read() as connection:
            version = version_of(connection, month, number)
        if version is None:
            raise ValueError(f"month: {month} has no version {number}")
        return tuple(differs_today(version))

    def coverages(self, month: str, now_us: int) -> Coverages:
        """Return who hears the sensors of a month."""
        with self._database.read() as connection:
            return reckon_coverages(connection, month, now_us)

    def count_day(self, day: str) -> Counted:
        """Return the counts of a day's objects and addresses."""
        with self._database.read() as connection:
            return count_day(connection, day)

    def survey_air(self, now_us: int) -> NetworkAir:
        """Return the air of the 24 hours before ``now_us``."""
        with self._database.read() as connection:
            return survey(connection, now_us)
