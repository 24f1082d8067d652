import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from fleet.notify.model import Channel, Delivery
from fleet.notify.tables import outbox
from fleet.web.api.inbound import callback_token
from tests.stories.pages import client_of
from tests.stories.world import MINUTE, World

TOKEN = callback_token(b"s" * 32)


@pytest.fixture
def client(world: World) -> TestClient:
    world.enable(Channel.SMS)
    world.people("Anne Martin", phone="0612345678")
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.cycle()
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    return client_of(world)


def sms(world: World):  # type: ignore[no-untyped-def]
    return next(one for one in world.notifications() if one.channel is Channel.SMS)


def number(world: World) -> str:
    with world.reading() as connection:
        found = connection.execute(select(outbox.c.provider_id).where(outbox.c.channel == "sms")).scalar()
    return str(found)


def give_number(world: World, provider_id: str) -> None:
    with world.database.write() as connection:
        connection.execute(update(outbox).where(outbox.c.channel == "sms").values(provider_id=provider_id))


def test_delivered(world: World, client: TestClient) -> None:
    give_number(world, "sms-77")
    body = {"id": "77", "status": "DELIVRD"}
    for _ in range(2):
        assert client.post(f"/api/v1/sms/{TOKEN}/reports", json=body).json() == {"known": True}
    assert sms(world).state is Delivery.DELIVERED
    late = {"id": "77", "status": "UNDELIV", "detail": "absent"}
    client.post(f"/api/v1/sms/{TOKEN}/reports", json=late)
    assert sms(world).state is Delivery.DELIVERED


@pytest.mark.parametrize(
    ("reports", "states"),
    [
        ("ENROUTE DELIVRD", (Delivery.SENT, Delivery.DELIVERED)),
        ("BUFFERED ACCEPTD UNDELIV", (Delivery.SENT, Delivery.SENT, Delivery.FAILED)),
        ("EXPIRED ENROUTE DELIVRD", (Delivery.FAILED, Delivery.FAILED, Delivery.DELIVERED)),
        ("DELIVRD ENROUTE UNDELIV", (Delivery.DELIVERED, Delivery.DELIVERED, Delivery.DELIVERED)),
    ],
)
def test_on_its_way_is_no_outcome_and_a_later_report_counts(
    world: World, client: TestClient, reports: str, states: tuple[Delivery, ...]
) -> None:
    give_number(world, "sms-101")
    found = []
    for status in reports.split():
        client.post(f"/api/v1/sms/{TOKEN}/reports", json={"id": "101", "status": status})
        found.append(sms(world).state)
    assert tuple(found) == states


def test_not_delivered_is_failed_with_its_reason(world: World, client: TestClient) -> None:
    assert number(world).startswith("provider-")
    body = {"id": "unknown", "status": "UNDELIV", "detail": "absent"}
    assert client.post(f"/api/v1/sms/{TOKEN}/reports", json=body).json() == {"known": False}
    assert sms(world).state is Delivery.SENT


@pytest.mark.parametrize("token", ["x", "", TOKEN[:-1] + "x"])
def test_strangers_are_refused(world: World, client: TestClient, token: str) -> None:
    answer = client.post(f"/api/v1/sms/{token}/reports", json={"id": "1", "status": "DELIVRD"})
    assert answer.status_code == 404


def test_rubbish_is_refused(world: World, client: TestClient) -> None:
    for body in ({}, {"id": 1}, {"id": "x" * 200, "status": "D"}):
        assert client.post(f"/api/v1/sms/{TOKEN}/reports", json=body).status_code == 422
