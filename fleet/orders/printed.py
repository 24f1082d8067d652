"""What an installer carries and what a visit leaves: sheet, label and statement as PDF/UA, in French."""

import base64
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from segno import make_qr
from sqlalchemy import Connection, select

from agent.wire.acceptance import CheckVerdict, Conclusion
from agent.wire.messages import TimeQuality
from agent.wire.reasons import text
from fleet.identity.audit import COMMAND_LINE
from fleet.identity.enrolments import order_secrets
from fleet.identity.foundation import Keys
from fleet.lang.format import day, moment
from fleet.lang.i18n import t
from fleet.lang.paris import paris
from fleet.orders.acceptances import Accepted
from fleet.orders.listing import Order, load
from fleet.orders.model import NEEDED_PAPERS, OrderRefused, OrderState
from fleet.registry.tables import agreements, sites
from fleet.reports.pdf import pdf_of_page

QR_SCALE = 4
OPEN = (OrderState.READY, OrderState.ENROLLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What sheet and label show of an order; the token stands on it, so that it is kept like a key."""

    order: Order
    address: str
    """The order's page is there; the QR code holds it, with the token behind ``#`` (no browser sends it)."""
    token: str
    code: str
    needs: tuple[str, ...]
    papers: tuple[dict[str, Any], ...]


def paper_of(connection: Connection, keys: Keys, number: int, *, public_url: str, now_us: int) -> Paper:
    """Return what is printed for an order.

    Raises:
        OrderRefused: no box is known yet, or the order is expired, revoked or accepted.
    """
    order = load(connection, number, now_us)
    if order is None or order.state not in OPEN or order.eui is None:
        raise OrderRefused(f"order {number}: nothing to print", key="orders.refused.state")
    secret = order_secrets(keys.authority, number, order.eui)
    rows = connection.execute(select(agreements).where(agreements.c.site_id == order.site_id)).mappings()
    known = {row["kind"]: dict(row) for row in rows}
    kinds = dict.fromkeys((*NEEDED_PAPERS, *known))
    blank = {"asked_on": "", "given_on": "", "reference": ""}
    needs = connection.scalar(select(sites.c.needs).where(sites.c.id == order.site_id)) or []
    return Paper(
        order=order,
        address=f"{public_url}/ordres/{number}",
        token=secret.token,
        code=secret.code,
        needs=tuple(needs),
        papers=tuple({"kind": str(kind)} | known.get(kind, blank) for kind in kinds),
    )


def sheet_pdf(paper: Paper) -> bytes:
    """Return the installer's sheet: A4, one page."""
    return _pdf("sheet.html", paper=paper, order=paper.order, qr=_qr(paper), code=spaced(paper.code))


def label_pdf(paper: Paper) -> bytes:
    """Return the label for box and card: 100 × 50 mm; without the token, which belongs to nobody's wall."""
    return _pdf("label.html", order=paper.order, qr=_drawn(paper.address), code=spaced(paper.code))


def statement_pdf(accepted: Accepted, order: Order) -> bytes:
    """Return the *procès-verbal de recette* of an acceptance."""
    record = accepted.record
    verdicts = {verdict: t("fr", f"acceptance.verdict.{verdict}") for verdict in CheckVerdict}
    return _pdf(
        "statement.html",
        accepted=accepted,
        record=record,
        made_by=t("fr", "who.command_line") if order.made_by == COMMAND_LINE else order.made_by,
        order=order,
        reserved=record.conclusion is Conclusion.WITH_RESERVES,
        rows=[
            (t("fr", f"acceptance.check.{one.check}"), verdicts[one.verdict], text(one.why, "fr"))
            for one in record.findings
        ],
        dated=record.time_quality != TimeQuality.UNTRUSTED,
        drawing=_inline("image/png", accepted.drawing) if accepted.drawing else "",
        photos=[_inline(kind, content) for kind, content in accepted.photos],
    )


def spaced(code: str) -> str:
    """Return a code as people read it out.

    >>> spaced("12345678")
    '1234 5678'
    """
    return f"{code[:4]} {code[4:]}"


def _pdf(template: str, **values: Any) -> bytes:
    pages = Environment(
        loader=PackageLoader("fleet.orders"), autoescape=select_autoescape(["html"]), trim_blocks=True
    )
    page = pages.get_template(template)
    words = {"t": lambda key, **named: t("fr", key, **named), "moment": _moment, "day": _day}
    return pdf_of_page(page.render(**words, **values))


def _moment(at_us: int) -> str:
    return moment("fr", at_us)


def _day(at_us: int) -> str:
    return day("fr", paris(at_us).date(), weekday=False)


def _qr(paper: Paper) -> Markup:
    return _drawn(f"{paper.address}#{paper.token}")


def _drawn(content: str) -> Markup:
    drawn = make_qr(content, error="m").svg_inline(scale=QR_SCALE, border=2)
    svg = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return _inline("image/svg+xml", svg.encode())


def _inline(media_type: str, content: bytes) -> Markup:
    return Markup(f"data:{media_type};base64,{base64.b64encode(content).decode()}")  # noqa: S704 - base64
