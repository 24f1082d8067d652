"""What was revoked is never sent again, and is taken back where it runs."""

import pytest
from sqlalchemy import select, update

from fleet.configurations import reconcile
from fleet.configurations.tables import configuration_versions as versions
from fleet.configurations.working import working_version
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import GatewayState
from fleet.rollouts.model import RolloutState, Step
from fleet.rollouts.revoking import revoke_rollout, revoke_version, weigh_revocation
from fleet.rollouts.single import Change, Unsafe
from fleet.rollouts.start import Order, RolloutRefused, give
from tests.unit.fleet.rollouts.test_look import KEY, A, B, C, Fleet

SERVING = GatewayState.SERVING


@pytest.fixture
def fleet(tmp_path):
    return Fleet(tmp_path)


def revoke(fleet, version, eui=A, despite=""):
    wanted = Change(eui=eui, changes={}, reason="fausse adresse", retry=True, despite=despite)
    told = {"contract": DEFAULTS, "now_us": fleet.now_us}
    with fleet.database.read() as connection:
        weighed = weigh_revocation(connection, wanted, version, network=fleet.network, **told)
    with fleet.database.write() as connection:
        return revoke_version(connection, KEY, wanted, version, weighed, who="anne", **told)


def unpublished(fleet):
    sent = []
    with fleet.database.read() as connection:
        reconcile.publish_waiting(
            connection, lambda topic, *_: bool(sent.append(topic)), lambda _: None, KEY.public_key()
        )
    return {topic.split("/")[2] for topic in sent}


def test_a_rollout_is_revoked_for_good_and_goes_back(fleet):
    fleet.start()
    fleet.look()
    (first,) = fleet.applying()
    fleet.answer(first)
    fleet.look()
    with fleet.database.write() as connection:
        told = {"who": "anne", "reason": "fausse adresse", "now_us": fleet.now_us}
        assert revoke_rollout(connection, 1, **told) == 1
    assert fleet.rollout().state is RolloutState.ROLLING_BACK
    fleet.look()
    fleet.answer(first)
    fleet.look()
    assert (fleet.rollout().state, fleet.host(first)) == (RolloutState.ROLLED_BACK, "a")
    for order in (Order.RESUME, Order.PAUSE, Order.HALT):
        with fleet.database.write() as connection, pytest.raises(RolloutRefused):
            give(connection, 1, order, who="anne", now_us=fleet.now_us, reason="quand même")
    with pytest.raises(RolloutRefused) as refused:
        fleet.weighed(eui=first, changes={}, back_to=2)
    assert refused.value.key == "rollout.refused.revoked_version"
    with fleet.database.write() as connection, pytest.raises(RolloutRefused):
        revoke_rollout(connection, 1, **told)


def test_a_version_that_runs_is_taken_back_and_is_the_base_of_nothing(fleet):
    fleet.push(eui=A, changes={"connectors.0.host": "wrong"}, reason="faute")
    assert revoke(fleet, 2) == 3
    assert fleet.host(A) == "a"
    with fleet.database.read() as connection:
        assert working_version(connection, A).version == 3


def test_a_revoked_version_does_not_go_out(fleet):
    fleet.push(eui=A, changes={"intervals.stat_s": "60"})
    with fleet.database.write() as connection:
        connection.execute(update(versions).where(versions.c.version == 2).values(revoked_at_us=1))
    assert unpublished(fleet) == {B, C}


def test_an_older_version_is_revoked_without_a_change(fleet):
    fleet.push(eui=A, changes={"intervals.stat_s": "60"})
    assert revoke(fleet, 1) is None
    with fleet.database.read() as connection:
        revoked = select(versions.c.eui, versions.c.version).where(versions.c.revoked_at_us.is_not(None))
        assert connection.execute(revoked).all() == [(A, 1)]


def test_nobody_loses_service_by_it_without_a_reason(fleet):
    fleet.push(eui=C, changes={"connectors.0.host": "b"}, despite="panne", reason="essai")
    with pytest.raises(Unsafe):
        revoke(fleet, 2, eui=C)
    assert revoke(fleet, 2, eui=C, despite="elle est muette") == 3
    assert fleet.host(C) == "a"


@pytest.mark.parametrize(("version", "key"), [(9, "no_version"), (1, "nothing_left")])
def test_what_cannot_be_revoked_is_refused_by_name(fleet, version, key):
    with pytest.raises(RolloutRefused) as refused:
        revoke(fleet, version)
    assert refused.value.key == f"rollout.refused.{key}"


def test_who_would_go_back_to_a_revoked_version_stays(fleet):
    fleet.start()
    fleet.look()
    (first,) = fleet.applying()
    fleet.answer(first)
    fleet.look()
    with fleet.database.write() as connection:
        connection.execute(
            update(versions)
            .where(versions.c.eui == first, versions.c.version == 1)
            .values(revoked_at_us=fleet.now_us)
        )
        give(connection, 1, Order.ROLL_BACK, who="anne", now_us=fleet.now_us)
    fleet.look()
    assert fleet.rollout().steps[first].step is Step.SKIPPED
    assert fleet.host(first) == "lns2.example.fr"
