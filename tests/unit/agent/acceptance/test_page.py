"""The acceptance over HTTP: who gets in, what is taken, and that one signature makes one record."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from agent.acceptance.acceptance import Acceptance, Parts, Signature
from agent.acceptance.asking import FIRST_WAIT_US, FREE_TRIES, LONGEST_WAIT_US, SESSIONS_LIMIT, Door
from agent.acceptance.decide import Watch
from agent.acceptance.routes import AcceptanceRoutes
from agent.acceptance.signed import SignedAcceptance
from agent.identity import Identity
from agent.local_page import Answer, Asked
from agent.observation import DataPathState
from agent.wire.acceptance import (
    PHOTO_LIMIT_BYTES,
    PHOTOS_LIMIT,
    acceptance_holds,
    pictures_match,
)
from agent.wire.order import WorkOrder
from tests.controlpath.virtual import EUI, SigningFleet, VirtualClock, VirtualDataPath, configuration

CODE = "12345678"
JPEG = b"\xff\xd8\xff" + bytes(40)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class Running:
    """What the acceptance asks of the configuration."""

    running = configuration()


class Meter:
    floors_dbm: ClassVar[dict[int, float]] = {}


class Tests:
    @staticmethod
    def neighbours() -> int:
        return 1


class Receiving(VirtualDataPath):
    """A data path whose chip answered."""

    def snapshot(self) -> DataPathState:
        return replace(super().snapshot(), eui=EUI)


class Visit:
    """A gateway with an order, and a phone beside it."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock()
        self.order: WorkOrder = msgspec.structs.replace(
            SigningFleet().order(configuration()), number=7, code=CODE, stability_s=1
        )
        self.datapath = Receiving(configuration())
        self.identity = Identity(folder / "identity", eui=EUI)
        parts = Parts(self.datapath, Meter(), Tests(), Running())  # type: ignore[arg-type]
        self.acceptance = Acceptance(folder, self.order, self.identity, self.clock, parts)
        self.routes = AcceptanceRoutes(self.acceptance, self.clock)
        self.cookie = ""

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> Answer:
        headers = {"cookie": self.cookie, "content-type": kind or "application/x-www-form-urlencoded"}
        answer = await self.routes.answer(Asked(method=method, path=path, headers=headers, body=body))
        assert answer is not None
        if "Set-Cookie" in answer.headers:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return answer

    async def enter(self, code: str = CODE) -> Answer:
        return await self.ask("POST", "/recette/code", f"code={code}".encode())

    async def send_photo(self, content: bytes) -> Answer:
        body = (
            b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n'
            b"Content-Type: image/jpeg\r\n\r\n" + content + b"\r\n--x--\r\n"
        )
        return await self.ask("POST", "/recette/photos", body, "multipart/form-data; boundary=x")

    def know_everything(self) -> None:
        """Let every check have its answer: there is no network here."""
        watch = Watch(whole_s=1, done_s=1, answers_ms=(None,))
        self.acceptance.watch.watch = lambda: watch  # type: ignore[method-assign]


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    return Visit(tmp_path)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main())


def test_nothing_is_shown_or_done_without_the_code(visit: Visit) -> None:
    async def work() -> None:
        assert b'name="code"' in (await visit.ask("GET", "/recette")).body
        for method, path in (
            ("GET", "/recette/constats"),
            ("GET", "/recette/constats.json"),
            ("GET", "/recette/photos/0"),
            ("POST", "/recette/photos"),
            ("POST", "/recette/refaire"),
            ("POST", "/recette/signer"),
        ):
            answer = await visit.ask(method, path, b"name=A")
            assert answer.status.startswith("403"), path
            assert b"data-check" not in answer.body
        assert visit.acceptance.signed.kept is None

    run(work)


def test_a_wrong_code_waits_ever_longer(visit: Visit) -> None:
    async def work() -> None:
        for _ in range(FREE_TRIES):
            assert (await visit.enter("00000000")).status.startswith("403")
        refused = await visit.enter()
        assert refused.status.startswith("429")
        assert "attendez 30 s" in refused.body.decode()
        visit.clock.now_us += FIRST_WAIT_US
        assert (await visit.enter("1234 5678")).status.startswith("303")

    run(work)


def test_waits_double_to_their_limit_and_the_oldest_session_ends() -> None:
    door, now_us = Door(code=CODE), 0
    waits = []
    for _ in range(FREE_TRIES + 8):
        now_us += door.wait_us(now_us)
        assert not door.try_code("0", "k", now_us)
        waits.append(door.wait_us(now_us))
    assert waits[FREE_TRIES - 2 : FREE_TRIES + 2] == [0, FIRST_WAIT_US, 2 * FIRST_WAIT_US, 4 * FIRST_WAIT_US]
    assert waits[-1] == LONGEST_WAIT_US
    now_us += LONGEST_WAIT_US
    for number in range(SESSIONS_LIMIT + 1):
        assert door.try_code(CODE, f"key{number}", now_us)
    assert [door.is_open(f"key{number}", now_us) for number in (0, 1, SESSIONS_LIMIT)] == [False, True, True]
    assert not Door(code="").try_code("", "k", 0)


def test_digits_of_other_scripts_are_a_wrong_code() -> None:
    door = Door(code=CODE)
    assert not door.try_code("\u0661\u00b2", "k", 0)
    assert door.wrong == 1


def test_photos_are_bounded_in_kind_size_and_number(visit: Visit) -> None:
    async def work() -> None:
        await visit.enter()
        assert "JPEG ou PNG" in (await visit.send_photo(b"GIF89a")).body.decode()
        assert "trop lourde" in (await visit.send_photo(JPEG.ljust(PHOTO_LIMIT_BYTES + 1))).body.decode()
        for number in range(PHOTOS_LIMIT):
            assert (await visit.send_photo(JPEG + bytes([number]))).status.startswith("303")
        assert "Quatre photos au plus" in (await visit.send_photo(JPEG)).body.decode()
        shown = await visit.ask("GET", "/recette/photos/0")
        assert (shown.content_type, shown.body) == ("image/jpeg", JPEG + bytes([0]))
        await visit.ask("POST", "/recette/photos/0/retirer")
        assert len(visit.acceptance.photos) == PHOTOS_LIMIT - 1

    run(work)


def test_a_signature_is_of_the_gateway_s_key_once_and_survives_a_restart(
    visit: Visit, tmp_path: Path
) -> None:
    async def work() -> None:
        await visit.enter()
        early = await visit.ask("POST", "/recette/signer", b"name=Anne&remarks=x")
        assert "pas finies" in early.body.decode()
        assert 'value="Anne"' in early.body.decode()
        visit.know_everything()
        nameless = await visit.ask("POST", "/recette/signer", b"name=+")
        assert "nom" in nameless.body.decode()
        await visit.send_photo(JPEG)
        drawing = base64.b64encode(PNG).decode().replace("+", "%2B")
        form = f"name=Anne&drawing=data:image/png;base64,{drawing}".encode()
        first, second = await asyncio.gather(
            visit.ask("POST", "/recette/signer", form), visit.ask("POST", "/recette/signer", b"name=Bertrand")
        )
        assert first.status[:3] == second.status[:3] == "303"
        assert "Signé par Anne" in (await visit.ask("GET", "/recette")).body.decode()

    run(work)
    kept = SignedAcceptance(tmp_path, visit.order).kept
    assert kept is not None
    assert not kept.taken
    assert (kept.record.installer, kept.record.order, kept.record.eui) == ("Anne", 7, EUI)
    assert pictures_match(kept.record, kept.upload)
    key = load_pem_private_key((tmp_path / "identity" / "key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert acceptance_holds(key.public_key(), kept.upload.record, kept.upload.signature_hex)
    assert not acceptance_holds(key.public_key(), kept.upload.record + b" ", kept.upload.signature_hex)
    other = msgspec.structs.replace(visit.order, number=8)
    assert SignedAcceptance(tmp_path, other).kept is None


def test_a_photo_that_arrives_while_the_record_is_signed_is_no_part_of_it(tmp_path: Path) -> None:
    visit = Visit(tmp_path)

    class Interrupted(Identity):
        def acceptance_signature(self, record: bytes) -> str:
            visit.acceptance.add_photo(PNG)
            return super().acceptance_signature(record)

    async def work() -> None:
        identity = Interrupted(tmp_path / "identity", eui=EUI)
        parts = Parts(visit.datapath, Meter(), Tests(), Running())  # type: ignore[arg-type]
        visit.acceptance = Acceptance(tmp_path, visit.order, identity, visit.clock, parts)
        visit.know_everything()
        visit.acceptance.add_photo(JPEG)
        await visit.acceptance.sign(Signature(installer="Anne"))

    run(work)
    kept = visit.acceptance.signed.kept
    assert kept is not None
    assert kept.upload.photos == (JPEG,)
    assert pictures_match(kept.record, kept.upload)


def test_a_failed_check_cannot_be_signed(visit: Visit) -> None:
    async def work() -> None:
        await visit.enter()
        visit.know_everything()
        visit.order = msgspec.structs.replace(visit.order, eui="0016c001f1000001")
        visit.acceptance.order = visit.order
        assert "rien à signer" in (await visit.ask("POST", "/recette/signer", b"name=A")).body.decode()
        assert visit.acceptance.signed.kept is None

    run(work)


def test_what_an_installer_types_is_escaped_and_the_page_speaks_english(visit: Visit) -> None:
    async def work() -> None:
        await visit.enter()
        evil = b"name=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&remarks=%3C/textarea%3E%3Cb%3E"
        shown = (await visit.ask("POST", "/recette/signer", evil)).body.decode()
        assert "<script>alert" not in shown
        assert "</textarea><b>" not in shown
        asked = Asked(
            method="GET", path="/recette", headers={"cookie": visit.cookie, "accept-language": "en"}
        )
        english = await visit.routes.answer(asked)
        assert english is not None
        assert b"Sign the statement" in english.body
        policy = english.policy
        assert re.search(r"script-src 'sha256-[^']+'", policy)
        assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")

    run(work)


def test_a_gateway_without_an_order_has_no_acceptance(tmp_path: Path) -> None:
    visit = Visit(tmp_path)
    visit.acceptance.order = msgspec.structs.replace(visit.order, number=0, code="")
    routes = AcceptanceRoutes(visit.acceptance, visit.clock)
    asked = Asked(method="GET", path="/recette", headers={})
    assert asyncio.run(routes.answer(asked)) is None
