"""Orders over the application: made, scanned, enrolled with, accepted; and every attempt that must fail."""

import hashlib
import io
import json
import subprocess

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image
from sqlalchemy import func, select, update

from agent.wire import reasons
from agent.wire.acceptance import (
    AcceptanceRecord,
    AcceptanceUpload,
    CheckVerdict,
    Conclusion,
    Finding,
    encode_record,
    sign_acceptance,
)
from agent.wire.configuration import FleetConfig
from agent.wire.order import decode_order
from fleet.configurations.orders import Wanted
from fleet.durations import DAY_US
from fleet.identity.enrolments import order_secrets
from fleet.identity.people import OPEN_ACCESS
from fleet.identity.tables import audit_log
from fleet.orders import acceptances, listing, printed, store
from fleet.orders.model import OrderRefused, OrderState
from fleet.orders.tables import acceptances as acceptance_rows
from fleet.orders.tables import work_orders
from fleet.registry.tables import gateways
from tests.unit.fleet.founded import EUIS
from tests.unit.fleet.identity.certificates import enrolment
from tests.unit.fleet.web.api.site import PASSWORD, Site

NEW = EUIS[2]
"""This gateway of Azay was not accepted yet; it hangs at site 2."""
SITE, OTHER_SITE = 2, 1
UNKNOWN = "0016c001f10000ff"
WANTED = Wanted(
    lns="127.0.0.1:1700",
    broker=FleetConfig(host="127.0.0.1", port=8883),
    enrol_url="http://testserver",
    bus="spi:/dev/spidev0.0",
)


class Orders(Site):
    """A fleet, and what an office and a gateway do with it."""

    def make(self, eui=NEW, site_id=SITE, **more):
        new = store.NewOrder(site_id=site_id, eui=eui, wanted=WANTED, **more)
        with self.database.write() as connection:
            return store.make(connection, self.keys, new, who="anne", now_us=self.clock.now)

    def act(self, act, *arguments):
        with self.database.write() as connection:
            return act(connection, *arguments, who="anne", now_us=self.clock.now)

    def state(self, number):
        with self.database.read() as connection:
            return listing.load(connection, number, self.clock.now).state

    def token(self, number, eui=NEW):
        return order_secrets(self.keys.authority, number, eui).token

    def enrol(self, number, eui=NEW, key=None):
        asked = enrolment(eui, self.token(number, eui), key)
        return self.client.post("/api/v1/enrolments", content=msgspec.json.encode(asked))

    def form(self, path, **fields):
        return self.client.post(path, data={"csrf_token": OPEN_ACCESS.csrf_token, **fields})

    def hand_in(self, upload):
        return self.client.post("/api/v1/acceptances", content=msgspec.json.encode(upload))


@pytest.fixture
def orders(tmp_path):
    return Orders(tmp_path, open_access=True)


def upload_of(number, key, *, at_us, eui=NEW, photos=(), **changes):
    why = reasons.acceptance.no_gnss()
    base = {
        "eui": eui,
        "order": number,
        "site": "Église",
        "signed_at_us": at_us,
        "time_quality": 1,
        "conclusion": Conclusion.ACCEPTED,
        "findings": (Finding(check="backhaul", verdict=CheckVerdict.GOOD, why=why),),
        "installer": "Anne <b>",
        "photos_sha256": tuple(hashlib.sha256(one).hexdigest() for one in photos),
    }
    record = encode_record(AcceptanceRecord(**(base | changes)))
    return AcceptanceUpload(
        eui=eui, record=record, signature_hex=sign_acceptance(key, record), photos=tuple(photos)
    )


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(file, "JPEG", comment=b"SECRET PLACE")
    return file.getvalue()


@pytest.fixture
def enrolled(orders):
    """A fleet with order 1 whose gateway has its certificate, and that gateway's key."""
    key = ec.generate_private_key(ec.SECP256R1())
    number = orders.make()
    assert orders.enrol(number, key=key).status_code == 201
    orders.clock.now += 60_000_000
    return orders, number, key


def test_an_order_goes_from_ready_to_accepted_and_the_gateway_counts(enrolled):
    orders, number, key = enrolled
    assert orders.state(number) is OrderState.ENROLLED
    signed_at_us = orders.clock.now - 5
    photo = jpeg()
    upload = upload_of(number, key, at_us=signed_at_us, photos=(photo,))
    first, again = orders.hand_in(upload), orders.hand_in(upload)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert orders.state(number) is OrderState.ACCEPTED
    with orders.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(acceptance_rows)) == 1
        row = connection.execute(select(gateways).where(gateways.c.eui == NEW)).mappings().one()
        taken = acceptances.load(connection, 1)
        audited = set(connection.scalars(select(audit_log.c.action)))
    assert (row["status"], row["accepted_at_us"]) == ("accepted", signed_at_us)
    assert b"SECRET" not in taken.photos[0][1]
    assert {"order.make", "gateway.enrol", "gateway.accept"} <= audited
    assert orders.client.get("/recettes/1/faits.json").content == upload.record
    page = orders.client.get(f"/ordres/{number}").text
    assert "Anne &lt;b&gt;" in page
    assert "recette faite" in page


def refused(answer):
    return answer.status_code, answer.json().get("reason")


def test_records_that_must_not_be_taken(enrolled):
    orders, number, key = enrolled
    now_us, stranger = orders.clock.now, ec.generate_private_key(ec.SECP256R1())
    good = upload_of(number, key, at_us=now_us)
    tampered = msgspec.structs.replace(good, record=good.record.replace(b"Anne", b"Abel"))
    other_photo = msgspec.structs.replace(
        upload_of(number, key, at_us=now_us, photos=(jpeg(),)), photos=(b"\xff\xd8other",)
    )
    attempts = {
        "another key": (upload_of(number, stranger, at_us=now_us), (403, "signature")),
        "tampered facts": (tampered, (403, "signature")),
        "another gateway's name": (msgspec.structs.replace(good, eui=EUIS[0]), (403, "foreign")),
        "no certificate": (upload_of(number, key, at_us=now_us, eui=EUIS[1]), (409, "unknown")),
        "another order": (upload_of(number + 1, key, at_us=now_us), (409, "order")),
        "another photo": (other_photo, (422, "pictures")),
        "a conclusion that is none": (
            upload_of(number, key, at_us=now_us, conclusion=Conclusion.WITH_RESERVES),
            (422, "conclusion"),
        ),
        "no record": (msgspec.structs.replace(good, record=b"{}"), (422, "malformed")),
    }
    for name, (upload, expected) in attempts.items():
        assert refused(orders.hand_in(upload)) == expected, name
    assert orders.client.post("/api/v1/acceptances", content=b"[]").status_code == 422
    with orders.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(acceptance_rows)) == 0
    assert orders.hand_in(good).status_code == 201
    second = upload_of(number, key, at_us=now_us, installer="Bertrand")
    assert refused(orders.hand_in(second)) == (409, "order")
    print(f"acceptances refused: {len(attempts) + 2}")


def test_tokens_that_must_not_enrol(orders):
    number = orders.make()
    assert orders.enrol(number, eui=EUIS[1]).status_code == 403
    newer = orders.make()
    assert refused(orders.enrol(number)) == (403, "revoked")
    assert orders.state(number) is OrderState.REVOKED
    with orders.database.write() as connection:
        connection.execute(update(gateways).where(gateways.c.eui == NEW).values(site_id=OTHER_SITE))
    answer = orders.enrol(newer)
    assert refused(answer) == (403, "foreign")
    assert "another site" in answer.json()["detail"]
    with orders.database.write() as connection:
        connection.execute(update(gateways).where(gateways.c.eui == NEW).values(site_id=SITE))
    orders.clock.now += 31 * DAY_US
    assert orders.state(newer) is OrderState.EXPIRED
    assert refused(orders.enrol(newer)) == (403, "expired")
    orders.act(store.extend, newer, 2)
    assert orders.enrol(newer).status_code == 201
    assert refused(orders.enrol(newer)) == (409, "used")
    for late in (store.extend, store.revoke):
        with pytest.raises(OrderRefused):
            orders.act(late, newer, 3 if late is store.extend else "trop tard")


def test_a_revoked_order_enrols_nobody(orders):
    number = orders.make()
    orders.act(store.revoke, number, "site abandonné")
    assert refused(orders.enrol(number)) == (403, "revoked")


def test_any_box_is_scanned_before_it_is_flashed(orders):
    number = orders.make(eui=None, hardware="RAK7289")
    assert orders.state(number) is OrderState.TO_SCAN
    with pytest.raises(OrderRefused), orders.database.write() as connection:
        store.document(connection, orders.keys, number, who="t", now_us=orders.clock.now)
    for typed, field in (("nonsense", "eui"), (EUIS[0], "eui")):
        with pytest.raises(OrderRefused, match=field), orders.database.write() as connection:
            store.scan(connection, orders.keys, number, typed, who="t", now_us=orders.clock.now)
    answer = orders.form(f"/ordres/{number}/boitier", eui=UNKNOWN.upper())
    assert answer.status_code == 303
    assert orders.state(number) is OrderState.READY
    with orders.database.read() as connection:
        row = connection.execute(select(gateways).where(gateways.c.eui == UNKNOWN)).mappings().one()
    assert (row["site_id"], row["hardware"]) == (SITE, "RAK7289")
    assert orders.enrol(number, eui=UNKNOWN).status_code == 201


def test_the_card_carries_what_gateway_and_installer_need_and_may_be_fetched_again(orders):
    number = orders.make(planned_on="2026-12-14")
    first = decode_order(orders.form(f"/ordres/{number}/carte").content)
    again = decode_order(orders.form(f"/ordres/{number}/carte").content)
    assert first.token == again.token == orders.token(number)
    assert (first.number, len(first.code), first.commune) == (number, 8, "Azay-sur-Cher")
    with orders.database.read() as connection:
        assert first.valid_until_us == listing.load(connection, number, orders.clock.now).valid_until_us
        dumped = "\n".join(connection.connection.driver_connection.iterdump())
    assert first.token not in dumped
    assert first.code not in dumped
    assert orders.enrol(number).status_code == 201
    assert "ne le permet plus" in orders.form(f"/ordres/{number}/carte").text


def test_planned_gateways_get_their_orders_once(orders):
    made = orders.form("/ordres/prevues")
    assert made.status_code == 303
    with orders.database.read() as connection:
        found = listing.load_orders(connection, orders.clock.now)
    assert [(one.eui, one.state) for one in found] == [(NEW, OrderState.READY)]
    orders.form("/ordres/prevues")
    with orders.database.read() as connection:
        assert len(listing.load_orders(connection, orders.clock.now)) == 1


def test_planned_orders_take_over_no_antenna_of_another(orders):
    orders.form(
        "/ordres", **{"for": f"site:{SITE}", "gain": "9", "loss": "2", "lns": "udp://lns.example:1700"}
    )
    assert orders.form("/ordres/prevues").status_code == 303
    with orders.database.read() as connection:
        wanted = connection.scalar(select(work_orders.c.wanted).where(work_orders.c.eui == NEW))
    assert wanted["lns"] == "udp://lns.example:1700"
    assert set(wanted["changes"]) == {"page_port", "page_on_lan"}


def test_a_planned_day_that_is_none_is_named_and_makes_no_order(orders):
    with orders.database.write() as connection:
        connection.execute(update(gateways).where(gateways.c.eui == NEW).values(planned_on="2026-02-30"))
    answer = orders.form("/ordres/prevues")
    assert answer.status_code == 422
    assert "2026-02-30" in answer.text
    with orders.database.read() as connection:
        assert not listing.load_orders(connection, orders.clock.now)


def test_a_day_that_no_page_can_show_is_refused(orders):
    assert orders.form("/ordres", **{"for": NEW, "planned_on": "9999-12-31"}).status_code == 422
    assert orders.client.get("/ordres").status_code == 200


@pytest.mark.parametrize("reason", ["", " ", "12"])
def test_an_order_is_revoked_for_a_reason_in_words(orders, reason):
    number = orders.make()
    assert orders.form(f"/ordres/{number}/revoquer", reason=reason).status_code == 422
    assert orders.state(number) is OrderState.READY


def test_the_list_says_why_it_is_empty_and_filters_by_state(orders):
    assert "Aucun ordre de travail." in orders.client.get("/ordres").text
    orders.make()
    assert "/ordres/1" in orders.client.get("/ordres?etat=ready").text
    assert "Aucun ordre dans cet état." in orders.client.get("/ordres?etat=accepted").text


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"for": NEW, "gain": "40"}, "Gain de 0"),
        ({"for": NEW, "lns": "ftp://x"}, "Une adresse telle"),
        ({"for": "site:99"}, "Ce site n"),
        ({"for": NEW, "planned_on": "demain"}, "Un jour tel que"),
    ],
)
def test_a_form_that_is_wrong_keeps_what_was_typed(orders, form, sentence):
    answer = orders.form("/ordres", contact="M. Dupont", **form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "M. Dupont" in answer.text


def test_sheet_and_label_are_tagged_pdf_with_code_and_token(orders, tmp_path):
    number = orders.make(contact="M. Dupont, 06 00 00 00 00")
    with orders.database.read() as connection:
        paper = printed.paper_of(
            connection, orders.keys, number, public_url="https://flotte.test", now_us=orders.clock.now
        )
    for name, content in (("sheet", printed.sheet_pdf(paper)), ("label", printed.label_pdf(paper))):
        (tmp_path / f"{name}.pdf").write_bytes(content)
        command = ["pdftotext", "-layout", str(tmp_path / f"{name}.pdf"), "-"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert printed.spaced(paper.code) in told
        assert (paper.token in told.replace("\n", "")) is (name == "sheet")
        facts = subprocess.run(["pdfinfo", command[2]], capture_output=True, text=True, check=True).stdout
        assert "Tagged:          yes" in facts
        assert told.count("\f") == 1
    assert paper.papers[0]["kind"] == "owner"


def test_a_viewer_sees_orders_without_code_contact_or_sheet(tmp_path):
    orders = Orders(tmp_path, open_access=False)
    number = orders.make(contact="M. Dupont", access="clé au café")
    orders.person("vera", "viewer")
    orders.client.post("/connexion", data={"name": "vera", "password": PASSWORD})
    page = orders.client.get(f"/ordres/{number}").text
    code = order_secrets(orders.keys.authority, number, NEW).code
    for secret in (printed.spaced(code), code, "M. Dupont", "clé au café", "feuille.pdf"):
        assert secret not in page
    assert orders.client.get(f"/ordres/{number}/feuille.pdf").status_code == 403
    assert json.dumps(code) not in page
