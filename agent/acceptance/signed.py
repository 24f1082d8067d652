"""The signed acceptance on disk, until the fleet has it and after: one file, replaced whole.

nothing ─ signed ─▶ kept ─ the fleet answers 201 ─▶ taken
What the fleet refuses is said on the page and tried again.
"""

import asyncio
import hashlib
import random
from pathlib import Path

import msgspec

from agent.durable import write_durably
from agent.enrol.http import BadUrl, post, refusal_in
from agent.enrol.step import Outcome, wait_s
from agent.libraries import structlog
from agent.wire.acceptance import (
    PATH,
    AcceptanceRecord,
    AcceptanceUpload,
    decode_record,
)
from agent.wire.order import WorkOrder

FILE_NAME = "acceptance.msgpack"
REFUSED_AGAIN_S = 900.0
"""The fleet may be mended: an order that was revoked by mistake, a gateway that is put back."""
TAKEN_STATUS = (200, 201)
_log = structlog.get_logger("agent")


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is on disk: an upload with its pictures until the fleet has it."""

    upload: AcceptanceUpload
    taken: bool = False
    refused: str = ""
    """What the fleet said last."""

    @property
    def record(self) -> AcceptanceRecord:
        """What was signed."""
        return decode_record(self.upload.record)

    @property
    def sha256(self) -> str:
        """The hash of the record stands on the printed statement."""
        return hashlib.sha256(self.upload.record).hexdigest()


class SignedAcceptance:
    """The newest signed record of this gateway, and its way to the fleet."""

    def __init__(self, state: Path, order: WorkOrder) -> None:
        self._path, self._order = state / FILE_NAME, order
        self.kept = self._load()
        self._news = asyncio.Event()

    def _load(self) -> Kept | None:
        try:
            kept = msgspec.msgpack.decode(self._path.read_bytes(), type=Kept)
            decode_record(kept.upload.record)
        except (OSError, msgspec.DecodeError):
            return None
        return kept if kept.record.order == self._order.number else None

    def keep(self, upload: AcceptanceUpload) -> None:
        """Keep a record that was just signed.

        Raises:
            OSError: the card refuses it.
        """
        self._write(Kept(upload=upload))
        self._news.set()

    def _write(self, kept: Kept) -> None:
        write_durably(self._path, msgspec.msgpack.encode(kept))
        self.kept = kept

    async def run(self) -> None:
        """Upload what waits, until cancelled."""
        tries = 0
        while True:
            waits = self.kept is not None and not self.kept.taken
            tries = tries + 1 if waits else 0
            pause_s = await self._hand_in(self.kept, tries) if self.kept is not None and waits else None
            self._news.clear()
            try:
                async with asyncio.timeout(pause_s):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def _hand_in(self, kept: Kept, tries: int) -> float | None:
        """Return how long to wait for the next try, in s; None: for another record."""
        again_s = wait_s(Outcome.UNREACHABLE, tries=tries, jitter=random.random())  # noqa: S311
        body = msgspec.json.encode(kept.upload)
        order = self._order
        try:
            status, answer = await asyncio.to_thread(
                post, order.enrol_url, PATH, body, ca_pem=order.fleet_ca_pem
            )
        except (OSError, BadUrl):
            return again_s
        word, sentence = refusal_in(answer)
        if status in TAKEN_STATUS:
            bare = msgspec.structs.replace(kept.upload, photos=(), drawing=b"")
            after = Kept(upload=bare, taken=True)
        elif word == "unknown" or status >= 500 or status == 429:
            return again_s
        else:
            after = msgspec.structs.replace(kept, refused=sentence)
        _log.info("acceptance", http_status=status, refused=after.refused)
        if self.kept is kept:
            try:
                self._write(after)
            except OSError:
                self.kept = after
        return None if after.taken else REFUSED_AGAIN_S
