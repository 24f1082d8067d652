"""The two slots and the ledger on disk; everything read is checked again."""

from pathlib import Path

import msgspec

from agent.configuration.model import Held, Ledger, Slot
from agent.durable import write_durably
from agent.failures import reason_of
from agent.fleet_key import FleetKey
from agent.wire import reasons
from agent.wire.configuration import Configuration, ConfigurationError, decode_configuration
from agent.wire.envelope import EnvelopeKind, EnvelopeRefused, decode_envelope, judge


class SlotUnreadable(reasons.ReasonedError, OSError):
    """A slot or the ledger does not hold what was written; ``why`` says which and how."""


class Slots:
    """Folder ``configuration/``: ``a.envelope``, ``b.envelope``, ``ledger.json``."""

    def __init__(self, folder: Path, *, device: str, key: FleetKey) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._device = device
        self._key = key

    def keep(self, slot: Slot, envelope: bytes) -> None:
        """Write an envelope into a slot, durably."""
        write_durably(self._path(slot), envelope)

    def save(self, ledger: Ledger) -> None:
        """Write the ledger, durably."""
        write_durably(self._folder / "ledger.json", msgspec.json.encode(ledger))

    def ledger(self) -> Ledger | None:
        """Return the ledger, or None before the first.

        Raises:
            SlotUnreadable: the file is not a ledger.
        """
        try:
            return msgspec.json.decode((self._folder / "ledger.json").read_bytes(), type=Ledger)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise SlotUnreadable(reasons.card.ledger_damaged(detail=str(error))) from error

    def load(self, held: Held) -> Configuration:
        """Return the configuration in a slot; signature, device and hash are checked, expiry is not.

        Raises:
            SlotUnreadable: missing, damaged or not the one that the ledger names.
        """
        try:
            envelope = decode_envelope(self._path(held.slot).read_bytes())
            judge(envelope, self._key, device=self._device, newest_version=-1, now_us=None)
            if envelope.kind is not EnvelopeKind.CONFIGURATION or envelope.sha256 != held.sha256:
                cause = reasons.card.slot_not_named()
                raise SlotUnreadable(reasons.card.slot_damaged(slot=held.slot, cause=cause))
            return decode_configuration(envelope.payload)
        except (EnvelopeRefused, ConfigurationError, FileNotFoundError) as error:
            why = reasons.card.slot_damaged(slot=held.slot, cause=reason_of(error))
            raise SlotUnreadable(why) from error

    def issued_at_us(self, held: Held) -> int:
        """Return when the fleet signed what is in a slot, microseconds UTC; 0: the slot is damaged."""
        try:
            return decode_envelope(self._path(held.slot).read_bytes()).issued_at_us
        except (EnvelopeRefused, OSError):
            return 0

    def begin(self, envelope_bytes: bytes) -> Ledger:
        """Return the first ledger, made from the configuration of the work order; its expiry is not judged.

        Raises:
            EnvelopeRefused: it is not the fleet's, or not for this gateway.
        """
        envelope = decode_envelope(envelope_bytes)
        judge(envelope, self._key, device=self._device, newest_version=-1, now_us=None)
        self.keep("a", envelope_bytes)
        good = Held(version=envelope.version, sha256=envelope.sha256, slot="a")
        ledger = Ledger(good=good, seen_version=envelope.version)
        self.save(ledger)
        return ledger

    def _path(self, slot: Slot) -> Path:
        return self._folder / f"{slot}.envelope"
