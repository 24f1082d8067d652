"""Acceptance from a laptop beside the gateway: the pages that a phone uses, driven by a command."""

import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from agent.wire.acceptance import PHOTO_LIMIT_BYTES, PHOTOS_LIMIT
from provisioning.clock import pause_s

ANSWER_LIMIT_S = 30.0
ANSWER_LIMIT_BYTES = 1_000_000
LOOK_EVERY_S = 3.0
BOUNDARY = "passerelle-photo"
FORM = "application/x-www-form-urlencoded"
TOO_OFTEN = 429


class AcceptError(Exception):
    """What stops an acceptance; ``word`` names the sentence that says what to do."""

    def __init__(self, word: str, **values: object) -> None:
        super().__init__(word)
        self.word, self.values = word, values


class LocalGateway:
    """The acceptance pages of one gateway, and the session that its code opened."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/").removesuffix("/recette") + "/recette"
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def enter(self, code: str) -> None:
        """Open a session.

        Raises:
            AcceptError: another code, too many tries, or nobody answers.
        """
        self._ask("/code", urllib.parse.urlencode({"code": code}).encode(), "accept_code")

    def facts(self) -> dict[str, Any]:
        """Return the checks as they stand.

        Raises:
            AcceptError: the session is over, or nobody answers.
        """
        return dict(json.loads(self._ask("/constats.json", None, "accept_code")))

    def send_photo(self, path: Path) -> None:
        """Hand in a photo.

        Raises:
            AcceptError: it cannot be read, or the gateway does not take it.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise AcceptError("accept_photo", photo=path) from error
        if len(content) > PHOTO_LIMIT_BYTES:
            raise AcceptError("accept_photo", photo=path)
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="photo"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        self._ask("/photos", body, "accept_photo", kind=kind, photo=path)

    def sign(self, name: str, remarks: str) -> None:
        """Sign the statement with a typed name.

        Raises:
            AcceptError: the gateway does not take it.
        """
        form = urllib.parse.urlencode({"name": name, "remarks": remarks}).encode()
        self._ask("/signer", form, "accept_sign")

    def _ask(
        self, path: str, body: bytes | None, refused: str, *, kind: str = FORM, **values: object
    ) -> bytes:
        headers = {} if body is None else {"Content-Type": kind}
        if not self._url.startswith(("http://", "https://")):
            raise AcceptError("accept_away", url=self._url)
        request = urllib.request.Request(self._url + path, data=body, headers=headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=ANSWER_LIMIT_S) as answer:
                return bytes(answer.read(ANSWER_LIMIT_BYTES))
        except HTTPError as error:
            with contextlib.closing(error):
                word = "accept_often" if error.code == TOO_OFTEN else refused
            raise AcceptError(word, **values) from error
        except OSError as error:
            raise AcceptError("accept_away", url=self._url) from error


def accept(
    gateway: LocalGateway,
    *,
    code: str,
    name: str,
    remarks: str = "",
    photos: Sequence[Path] = (),
    show: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Go from the code to the signature; return what was signed.

    Raises:
        AcceptError: the gateway refuses, or a check must be mended first.
    """
    if len(photos) > PHOTOS_LIMIT:
        raise AcceptError("accept_photos", limit=PHOTOS_LIMIT)
    gateway.enter(code)
    facts = gateway.facts()
    while facts["conclusion"] == "waiting" and not facts["signed"]:
        show(facts)
        pause_s(LOOK_EVERY_S)
        facts = gateway.facts()
    show(facts)
    if facts["signed"]:
        return facts
    if facts["conclusion"] == "refused":
        raise AcceptError("accept_refused")
    for photo in photos:
        gateway.send_photo(photo)
    gateway.sign(name, remarks)
    return gateway.facts()
