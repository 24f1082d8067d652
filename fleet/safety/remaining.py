"""Who is left for each commune and each group of sensors while some gateways are out; pure.

Counted on demand and kept: ``take`` and ``put_back`` cost what the gateway touches.
"""

from collections.abc import Iterable, Iterator

from fleet.facts.months import Window
from fleet.safety.model import Absence
from fleet.safety.view import SafetyView


class Remaining:
    """What is left in a window of a view, with the absences that are settled already."""

    def __init__(self, view: SafetyView, window: Window, absences: Iterable[Absence]) -> None:
        self.view = view
        self.window = window
        self.absences: dict[str, list[Absence]] = {}
        for absence in absences:
            if absence.window.start_us < window.end_us and window.start_us < absence.window.end_us:
                self.absences.setdefault(absence.eui, []).append(absence)
        self.asked: dict[str, None] = {}
        """Who goes out by the question, in its order."""
        self._relied: dict[str, bool] = {}
        self._group_left: dict[int, int] = {}
        self._commune_left: dict[str, int] = {}

    def take(self, eui: str) -> None:
        """Let a gateway go out."""
        if self.stays(eui):
            self._count(eui, -1)
        self.asked[eui] = None

    def put_back(self, eui: str) -> None:
        """Undo ``take``."""
        del self.asked[eui]
        if self.stays(eui):
            self._count(eui, 1)

    def _count(self, eui: str, by: int) -> None:
        for position in self.view.groups_of.get(eui, ()):
            if position in self._group_left:
                self._group_left[position] += by
        for insee in self.view.communes_of.get(eui, ()):
            if insee in self._commune_left:
                self._commune_left[insee] += by

    def harms(self, eui: str) -> bool:
        """Return whether the gateway serves anybody in the window: one that does not may always go."""
        return self.view.serves(eui, self.window)

    def is_excused(self, eui: str) -> bool:
        """Return whether works that were announced in time cover the whole window."""
        return any(
            one.excused
            and one.window.start_us <= self.window.start_us <= self.window.end_us <= one.window.end_us
            for one in self.absences.get(eui, ())
        )

    def stays(self, eui: str) -> bool:
        """Return whether a gateway is there for others."""
        relied = self._relied.get(eui)
        if relied is None:
            gone = eui in self.absences
            relied = self._relied[eui] = not gone and self.view.is_relied_on(eui, self.window)
        return relied and eui not in self.asked

    def group_left(self, position: int) -> int:
        """Return how many gateways are left that hear a group of sensors."""
        left = self._group_left.get(position)
        if left is None:
            left = self._group_left[position] = sum(map(self.stays, self.view.coverages[position].euis))
        return left

    def commune_left(self, insee: str) -> int:
        """Return how many gateways are left that serve a commune."""
        left = self._commune_left.get(insee)
        if left is None:
            left = self._commune_left[insee] = sum(map(self.stays, self.view.commune(insee).members))
        return left

    def taken(self, euis: Iterable[str]) -> Iterator[str]:
        """Yield those of ``euis`` that the question takes out although they serve."""
        return (eui for eui in euis if eui in self.asked and self.harms(eui))
