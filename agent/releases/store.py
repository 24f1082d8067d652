"""The ledger and the slots on disk: ``releases/ledger.json``, ``releases/a/``, ``releases/b/``.

A ledger that the card damaged is an empty one: the base runs.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from agent.durable import write_durably
from agent.releases.model import Command, Event, Ledger, Slot
from agent.releases.step import step

FOLDER = "releases"
Write = Callable[[Path, bytes], None]


class ReleaseStore:
    """The releases of one gateway."""

    def __init__(self, state: Path, *, write: Write = write_durably) -> None:
        self.folder = state / FOLDER
        self._write = write

    def ledger(self) -> Ledger:
        """Return what is on disk; an empty ledger if nothing usable is."""
        try:
            return msgspec.json.decode((self.folder / "ledger.json").read_bytes(), type=Ledger)
        except (OSError, msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
            return Ledger()

    def event(self, event: Event) -> Command | None:
        """Decide, make the new ledger durable, and return what is to be carried out.

        Raises:
            OSError: the card refused; nothing changed.
        """
        before = self.ledger()
        after, command = step(before, event)
        if after != before:
            self.folder.mkdir(exist_ok=True)
            self._write(self.folder / "ledger.json", msgspec.json.encode(after))
        return command

    def slot(self, slot: Slot) -> Path:
        """Return the folder of a slot."""
        return self.folder / slot

    def python(self, name: str) -> Path:
        """Return the interpreter that starts a release from its slot.

        Raises:
            FileNotFoundError: no slot holds it.
        """
        slot = self.ledger().slot_of(name)
        if slot is None:
            raise FileNotFoundError(f"no slot holds {name}")
        return self.slot(slot) / "bin" / "python3"
