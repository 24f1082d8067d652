"""The acceptance over HTTP: ``/recette`` and its acts, for who typed the code of the order."""

import base64
import binascii
import re
import secrets

import msgspec

from agent.acceptance.acceptance import JPEG_START, Acceptance, NotTaken, Signature
from agent.acceptance.asking import SESSION_US, Door, Form, form_of
from agent.acceptance.decide import conclude
from agent.clock import Clock
from agent.local_page import Answer, Asked
from agent.status.say import Lang, lang_of

ROOT = "/recette"
COOKIE = "recette"
_PHOTO = re.compile(r"/recette/photos/([0-3])(/retirer)?")
_DATA_URL = "data:image/png;base64,"


class AcceptanceRoutes:
    """Every page and act of one gateway's acceptance."""

    def __init__(self, acceptance: Acceptance, clock: Clock) -> None:
        self._acceptance, self._clock = acceptance, clock
        self._door = Door(code=acceptance.order.code)

    async def answer(self, asked: Asked) -> Answer | None:
        """Return the answer to a request of ours; None: it is for another page."""
        path = asked.path.partition("?")[0]
        if not self._acceptance.order.code or not (path == ROOT or path.startswith(ROOT + "/")):
            return None
        if (asked.method, path) == ("POST", f"{ROOT}/code"):
            return self._enter(asked)
        if not self._door.is_open(_session_of(asked), self._clock.monotonic_us()):
            return self._code_page(asked, status="200 OK" if path == ROOT else "403 Forbidden")
        if asked.method == "GET":
            return self._read(asked, path)
        return await self._act(asked, path) if asked.method == "POST" else None

    def _enter(self, asked: Asked) -> Answer:
        now_us, key = self._clock.monotonic_us(), secrets.token_urlsafe(24)
        typed = form_of(asked.headers.get("content-type", ""), asked.body).fields.get("code", "")
        if wait_us := self._door.wait_us(now_us):
            wait_s = -(-wait_us // 1_000_000)
            return self._code_page(asked, status="429 Too Many Requests", wrong="too_often", wait_s=wait_s)
        if not self._door.try_code(typed, key, now_us):
            return self._code_page(asked, status="403 Forbidden", wrong="wrong_code")
        life_s = SESSION_US // 1_000_000
        cookie = f"{COOKIE}={key}; Path={ROOT}; Max-Age={life_s}; HttpOnly; SameSite=Strict"
        return Answer(status="303 See Other", headers={"Location": ROOT, "Set-Cookie": cookie})

    def _code_page(self, asked: Asked, *, status: str, wrong: str = "", wait_s: int = 0) -> Answer:
        from agent.acceptance.pages import code_page

        text = code_page(_lang(asked), self._acceptance.order, wrong=wrong, wait_s=wait_s)
        return _html(text, status=status)

    def _read(self, asked: Asked, path: str) -> Answer | None:
        from agent.acceptance.pages import checks

        if path == ROOT:
            return self._visit(asked)
        if path == f"{ROOT}/constats":
            return _html(checks(_lang(asked), self._acceptance.findings()))
        if path == f"{ROOT}/constats.json":
            return Answer(body=self._facts(), content_type="application/json")
        found, photos = _PHOTO.fullmatch(path), self._acceptance.photos
        if found is None or found[2] or int(found[1]) >= len(photos):
            return None
        photo = photos[int(found[1])]
        kind = "image/jpeg" if photo.startswith(JPEG_START) else "image/png"
        return Answer(body=photo, content_type=kind)

    def _facts(self) -> bytes:
        """Return the checks for ``passerelle provision accept``."""
        kept, order = self._acceptance.signed.kept, self._acceptance.order
        findings = self._acceptance.findings() if kept is None else kept.record.findings
        facts = {
            "eui": order.eui,
            "site": order.site,
            "order": order.number,
            "conclusion": conclude(findings),
            "findings": findings,
            "signed": kept is not None,
            "taken": kept is not None and kept.taken,
            "refused": "" if kept is None else kept.refused,
            "sha256": "" if kept is None else kept.sha256,
        }
        return msgspec.json.encode(facts)

    def _visit(self, asked: Asked, *, wrong: str = "", typed: tuple[str, str] = ("", "")) -> Answer:
        from agent.acceptance.pages import signed_page, visit_page

        acceptance, lang = self._acceptance, _lang(asked)
        if acceptance.signed.kept is not None:
            return _html(signed_page(lang, acceptance.order, acceptance.signed.kept))
        photos = range(len(acceptance.photos))
        text = visit_page(lang, acceptance.order, acceptance.findings(), photos, wrong=wrong, typed=typed)
        return _html(text, status="422 Unprocessable Content" if wrong else "200 OK")

    async def _act(self, asked: Asked, path: str) -> Answer | None:
        form, acceptance = form_of(asked.headers.get("content-type", ""), asked.body), self._acceptance
        found = _PHOTO.fullmatch(path)
        try:
            if path == f"{ROOT}/photos":
                acceptance.add_photo(form.files.get("photo", b""))
            elif found is not None and found[2]:
                acceptance.remove_photo(int(found[1]))
            elif path == f"{ROOT}/refaire":
                acceptance.begin_again()
            elif path == f"{ROOT}/signer":
                await acceptance.sign(_signature_of(form))
            else:
                return None
        except NotTaken as error:
            return self._visit(asked, wrong=error.word, typed=_typed(form))
        except OSError:
            return self._visit(asked, wrong="disk", typed=_typed(form))
        return Answer(status="303 See Other", headers={"Location": ROOT})


def _typed(form: Form) -> tuple[str, str]:
    return form.fields.get("name", ""), form.fields.get("remarks", "")


def _signature_of(form: Form) -> Signature:
    name, remarks = _typed(form)
    drawn = form.fields.get("drawing", "")
    drawing = b""
    if drawn:
        try:
            drawing = base64.b64decode(drawn.removeprefix(_DATA_URL), validate=True)
        except (binascii.Error, ValueError):
            raise NotTaken("drawing") from None
    return Signature(installer=name, remarks=remarks, drawing=drawing)


def _session_of(asked: Asked) -> str:
    for cookie in asked.headers.get("cookie", "").split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _lang(asked: Asked) -> Lang:
    return lang_of(asked.headers.get("accept-language", ""))


def _html(text: str, *, status: str = "200 OK") -> Answer:
    from agent.acceptance.pages import POLICY

    return Answer(status=status, body=text.encode(), policy=POLICY)
