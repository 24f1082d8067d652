"""The acceptance as pages for a phone beside the gateway: no resource from elsewhere, no script needed."""

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from pathlib import Path

from agent.acceptance.decide import conclude
from agent.acceptance.signed import Kept
from agent.acceptance.words import CHECKS, CONCLUSIONS, MARKS, VERDICTS, word, worded
from agent.status.say import Lang
from agent.wire.acceptance import PHOTO_LIMIT_BYTES, PHOTOS_LIMIT, Finding
from agent.wire.order import WorkOrder
from agent.wire.reasons import text

_STYLE = Path(__file__).with_name("phone.css").read_text(encoding="utf-8")
_SCRIPT = Path(__file__).with_name("phone.js").read_text(encoding="utf-8")
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_SCRIPT_HASH}'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def _page(lang: Lang, order: WorkOrder, main: str) -> str:
    title = f"{word(lang, 'title')} · {order.site}"
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_STYLE}</style></head>'
        f"<body><main>"
        f'<h1>{escape(title)}</h1><p class="soft mono">{escape(order.eui)} · n°\u202f{order.number}</p>'
        f"{main}</main><script>{_SCRIPT}</script></body></html>\n"
    )


def _wrong(lang: Lang, name: str, **values: object) -> str:
    return f'<p class="wrong" role="alert">{escape(word(lang, name, **values))}</p>' if name else ""


def code_page(lang: Lang, order: WorkOrder, *, wrong: str = "", wait_s: int = 0) -> str:
    """Return the page that asks for the order's code."""
    return _page(
        lang,
        order,
        f"{_wrong(lang, wrong, wait_s=wait_s)}"
        f'<form method="post" action="/recette/code"><label for="code">{word(lang, "code")}</label>'
        f'<p class="soft" id="code-rule">{word(lang, "code_where")}</p>'
        '<input id="code" name="code" inputmode="numeric" autocomplete="off" maxlength="11" required'
        ' aria-describedby="code-rule">'
        f'<button class="primary">{word(lang, "enter")}</button></form>',
    )


def checks(lang: Lang, findings: tuple[Finding, ...]) -> str:
    """Return the checks and what they come to, as a part of the page."""
    answer = escape(worded(lang, CONCLUSIONS[conclude(findings)]))
    rows = "".join(_row(lang, one) for one in findings)
    return f'<p class="answer" role="status">{answer}</p><ul>{rows}</ul>'


def _row(lang: Lang, one: Finding) -> str:
    verdict = f'<span class="{one.verdict}">{worded(lang, VERDICTS[one.verdict])}</span>'
    name = escape(worded(lang, CHECKS.get(one.check, (one.check, one.check))))
    return (
        f'<li data-check="{escape(one.check)}" data-verdict="{one.verdict}">'
        f'<span class="{one.verdict}" aria-hidden="true">{MARKS[one.verdict]}</span>'
        f'<strong>{name}</strong>{verdict}<p class="soft">{escape(text(one.why, lang.value))}</p></li>'
    )


def visit_page(
    lang: Lang,
    order: WorkOrder,
    findings: tuple[Finding, ...],
    photos: Iterable[int],
    *,
    wrong: str = "",
    typed: tuple[str, str] = ("", ""),
) -> str:
    """Return the page of a visit: checks, photos, signature; ``typed``: name and remarks so far."""
    return _page(
        lang,
        order,
        f"{_wrong(lang, wrong)}<p class='wrong' id='lost' role='alert' hidden>{word(lang, 'lost')}</p>"
        f'<div id="checks">{checks(lang, findings)}</div>'
        f'<form method="post" action="/recette/refaire"><button>{word(lang, "again")}</button></form>'
        f"{_photos(lang, photos)}{_signature(lang, *typed)}",
    )


def _photos(lang: Lang, photos: Iterable[int]) -> str:
    shown = "".join(
        f'<li><img src="/recette/photos/{index}" alt="{word(lang, "photos")} {index + 1}">'
        f'<form method="post" action="/recette/photos/{index}/retirer">'
        f"<button>{word(lang, 'remove')}</button></form></li>"
        for index in photos
    )
    return (
        f'<h2 id="photos">{word(lang, "photos")}</h2>'
        f'<p class="soft">{word(lang, "photos_rule", limit=PHOTOS_LIMIT)}</p><ul class="photos">{shown}</ul>'
        '<form method="post" action="/recette/photos" enctype="multipart/form-data">'
        f'<label for="photo">{word(lang, "add")}</label><input id="photo" type="file" name="photo"'
        f' accept="image/jpeg,image/png" data-limit="{PHOTO_LIMIT_BYTES}" required>'
        f"<noscript><button>{word(lang, 'add')}</button></noscript></form>"
    )


def _signature(lang: Lang, name: str, remarks: str) -> str:
    return (
        f"<h2>{word(lang, 'sign')}</h2>"
        '<form method="post" action="/recette/signer">'
        f'<label for="name">{word(lang, "name")}</label>'
        f'<input id="name" name="name" maxlength="100" autocomplete="name" required value="{escape(name)}">'
        f'<label for="remarks">{word(lang, "remarks")}</label>'
        f'<textarea id="remarks" name="remarks" rows="2" maxlength="1000">{escape(remarks)}</textarea>'
        f'<div id="drawing-field" hidden><label for="board">{word(lang, "draw")}</label>'
        '<canvas id="board" width="640" height="320"></canvas>'
        f'<button type="button" id="wipe">{word(lang, "wipe")}</button></div>'
        '<input type="hidden" name="drawing" id="drawing">'
        f'<button class="primary">{word(lang, "sign_do")}</button></form>'
    )


def signed_page(lang: Lang, order: WorkOrder, kept: Kept) -> str:
    """Return what was signed and whether the fleet has it."""
    record = kept.record
    state = "taken" if kept.taken else "kept"
    refused = _wrong(lang, "fleet_refuses", why=kept.refused) if kept.refused else ""
    rows = "".join(_row(lang, one) for one in record.findings)
    return _page(
        lang,
        order,
        f'<p class="answer" role="status" data-state="{state}">{word(lang, "signed")}. '
        f"{word(lang, state)}</p>"
        f"{refused}<p>{escape(word(lang, 'signed_by', installer=record.installer))}</p>"
        f'<p class="soft">{word(lang, "hash")}<br><span class="mono">{kept.sha256}</span></p>'
        f"<div id='checks'><ul>{rows}</ul></div>",
    )
