"""The acceptance of one gateway: facts gathered, photos kept until somebody signs, the record signed.

Photos live in memory: what was not signed is gone with the power.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

from agent.acceptance.decide import Facts, SiteFacts, conclude, decide
from agent.acceptance.signed import SignedAcceptance
from agent.acceptance.watch import BackhaulWatch
from agent.clock import Clock
from agent.commands.testframes import TestFrames
from agent.configuration.control import ConfigurationControl
from agent.downlink.antenna import antenna_of
from agent.hearing.noise_meter import NoiseMeter
from agent.identity import Identity
from agent.ports import DataPathPort
from agent.wire.acceptance import (
    DRAWING_LIMIT_BYTES,
    NAME_LIMIT_CHARACTERS,
    PHOTO_LIMIT_BYTES,
    PHOTOS_LIMIT,
    REMARKS_LIMIT_CHARACTERS,
    AcceptanceRecord,
    AcceptanceUpload,
    Conclusion,
    Finding,
    encode_record,
)
from agent.wire.order import WorkOrder

JPEG_START, PNG_START = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


class NotTaken(Exception):
    """What an installer handed in and cannot be used; ``word`` names the sentence that says why."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What an installer signs with."""

    installer: str
    remarks: str = ""
    drawing: bytes = b""
    """The signature drawn with a finger, as PNG; empty: the name alone."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the facts come from."""

    datapath: DataPathPort
    noise_meter: NoiseMeter
    test_frames: TestFrames
    control: ConfigurationControl


class Acceptance:
    """One visit after another, until a record is signed."""

    def __init__(self, state: Path, order: WorkOrder, identity: Identity, clock: Clock, parts: Parts) -> None:
        self.order, self._identity, self._clock, self._parts = order, identity, clock, parts
        self.watch = BackhaulWatch(order, clock)
        self.signed = SignedAcceptance(state, order)
        self.photos: list[bytes] = []
        self._signing = asyncio.Lock()

    async def run(self) -> None:
        """Measure and upload until cancelled; without a work order of the fleet there is nothing to do."""
        if not self.order.code:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.signed.run())
            if self.signed.kept is None:
                tasks.create_task(self.watch.run())

    def findings(self) -> tuple[Finding, ...]:
        """Return the checks as they stand."""
        return decide(self._facts(), self._clock.monotonic_us())

    def _facts(self) -> Facts:
        parts, order = self._parts, self.order
        state, gnss, radio = parts.datapath.snapshot(), parts.datapath.gnss(), parts.control.running.radio
        return Facts(
            expected_eui=order.eui,
            chip_eui=state.eui,
            radio=state.radio,
            radio_reason=state.radio_reason,
            floors_dbm=parts.noise_meter.floors_dbm,
            noise_dbm=state.noise_dbm,
            noise_frames=state.noise_samples,
            has_gnss=bool(radio.gnss_device),
            position=None if gnss is None else gnss.position(),
            site=SiteFacts(
                commune=order.commune, latitude_deg=order.latitude_deg, longitude_deg=order.longitude_deg
            ),
            antenna=antenna_of(radio),
            watch=self.watch.watch(),
            lns=state.connectors[0] if state.connectors else None,
            lns_proof=state.end_to_end,
            neighbours=parts.test_frames.neighbours(),
        )

    def add_photo(self, photo: bytes) -> None:
        """Keep a photo for the record.

        Raises:
            NotTaken: no picture, too large, or one too many.
        """
        if not photo.startswith((JPEG_START, PNG_START)):
            raise NotTaken("photo_kind")
        if len(photo) > PHOTO_LIMIT_BYTES:
            raise NotTaken("photo_size")
        if len(self.photos) >= PHOTOS_LIMIT:
            raise NotTaken("photo_count")
        if photo not in self.photos:
            self.photos.append(photo)

    def remove_photo(self, index: int) -> None:
        """Forget a photo; one that is not there is gone already."""
        if 0 <= index < len(self.photos):
            del self.photos[index]

    async def sign(self, signature: Signature) -> None:
        """Sign what was found, and keep it until the fleet has it; signed twice is signed once.

        Raises:
            NotTaken: checks still run or failed, no name, or a drawing that is none.
            OSError: the card refuses the record.
        """
        async with self._signing:
            if self.signed.kept is not None:
                return
            _check(signature)
            findings = self.findings()
            conclusion = conclude(findings)
            if conclusion in (Conclusion.WAITING, Conclusion.REFUSED):
                raise NotTaken(str(conclusion))
            photos = tuple(self.photos)  # a phone may hand in another while this is signed
            record = encode_record(self._record(signature, findings, conclusion, photos))
            hexadecimal = await asyncio.to_thread(self._identity.acceptance_signature, record)
            upload = AcceptanceUpload(
                eui=self.order.eui,
                record=record,
                signature_hex=hexadecimal,
                photos=photos,
                drawing=signature.drawing,
            )
            await asyncio.to_thread(self.signed.keep, upload)
            self.photos = []

    def _record(
        self,
        signature: Signature,
        findings: tuple[Finding, ...],
        conclusion: Conclusion,
        photos: tuple[bytes, ...],
    ) -> AcceptanceRecord:
        drawing = signature.drawing
        return AcceptanceRecord(
            eui=self.order.eui,
            order=self.order.number,
            site=self.order.site,
            signed_at_us=self._clock.utc_us(),
            time_quality=int(self._clock.quality()),
            conclusion=conclusion,
            findings=findings,
            installer=signature.installer.strip(),
            remarks=signature.remarks.strip(),
            photos_sha256=tuple(hashlib.sha256(photo).hexdigest() for photo in photos),
            drawing_sha256=hashlib.sha256(drawing).hexdigest() if drawing else "",
        )

    def begin_again(self) -> None:
        """Measure the backhaul once more, before anything is signed."""
        if self.signed.kept is None:
            self.watch.begin_again()


def _check(signature: Signature) -> None:
    if not 0 < len(signature.installer.strip()) <= NAME_LIMIT_CHARACTERS:
        raise NotTaken("name_missing")
    if len(signature.remarks) > REMARKS_LIMIT_CHARACTERS:
        raise NotTaken("remarks_long")
    drawn = signature.drawing
    if drawn and (len(drawn) > DRAWING_LIMIT_BYTES or not drawn.startswith(PNG_START)):
        raise NotTaken("drawing")
