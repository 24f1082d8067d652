"""Approvals, rollouts, layers and marks of revocations that somebody else wrote into the database."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, select, update

from fleet.approvals.model import DEFAULT_RULES, RequestState
from fleet.approvals.store import ApprovalRefused, Choice
from fleet.approvals.tables import approvals
from fleet.configurations import layer_store
from fleet.configurations.genuine import Forged, check_genuine
from fleet.configurations.layers import Layer, LayerKey, LayerRefused, Scope
from fleet.configurations.tables import configuration_layers, configuration_versions
from fleet.configurations.working import is_revoked, revoke
from fleet.db.connect import Database
from fleet.db.seals import BrokenRow, broken_rows
from fleet.facts.settings import DEFAULTS
from fleet.identity import seal_keys
from fleet.identity.keys import write_private
from fleet.identity.seal_keys import SealKeys
from fleet.rollouts.layering import LayerWish, propose_layer
from fleet.rollouts.model import RolloutSettings, RolloutState
from fleet.rollouts.tables import rollout_gateways, rollouts
from tests.unit.fleet.founded import EUIS
from tests.unit.fleet.rollouts.test_look import KEY, SERVING, WISH, A
from tests.unit.fleet.rollouts.test_requests import TYPED, Office
from tests.unit.fleet.safety.networks import view_of

QUICK = replace(WISH, settings=RolloutSettings(canary_gateways=1, judged=False, shares_percent=(100,)))
FLEET = LayerKey(Scope.FLEET)


class Sealed(Office):
    """The same office, whose database is opened with the ring of seals."""

    def __init__(self, folder):
        super().__init__(folder)
        self.network = view_of(dict.fromkeys(EUIS, SERVING), {"x": EUIS}).network
        keys = folder / "keys"
        keys.mkdir()
        write_private(keys / "configuration.key", KEY)
        url = self.database.url
        self.database.close()
        self.database = Database(url, SealKeys(keys))
        seal_keys.found(self.database, self.database.seals)

    def broken(self):
        with self.database.read() as connection:
            return broken_rows(connection)

    def finish(self):
        for _ in range(12):
            self.look(QUICK.settings.canary_soak_us)
            for eui in self.applying():
                self.answer(eui)
        return self.rollout().state

    def row(self, table):
        with self.database.read() as connection:
            return dict(connection.execute(select(table)).mappings().one())


@pytest.fixture
def office(tmp_path):
    made = Sealed(tmp_path)
    yield made
    made.database.close()


def again(office):
    """Let the rollout begin anew, as far as its own rows go."""
    office.sql(update(rollouts).values(state="running", wave=0, wave_state="applying"))
    office.sql(update(rollout_gateways).values(step="pending", version=None))


def test_an_approval_serves_one_rollout_once(office):
    office.start(wish=QUICK, rules=DEFAULT_RULES)
    office.decide(Choice.APPROVE)
    approved = office.row(approvals)
    assert (office.finish(), office.broken()) == (RolloutState.DONE, [])
    assert (office.request().state, office.request().outcome) == (RequestState.DONE, "done")
    signed = office.hosts_signed()
    again(office)
    office.look()
    assert office.rollout().halted_why == "approval.used"
    office.sql(update(approvals).values(approved))
    again(office)
    office.look()
    assert office.rollout().halted_why == "approval.forged", "its row of before is spent"
    assert office.hosts_signed() == signed


def test_an_approval_is_for_the_rollout_that_was_asked_for(office):
    office.start(wish=QUICK)
    office.sql(update(rollouts).values(created_at_us=office.now_us + 1))
    office.look()
    assert office.rollout().halted_why == "approval.forged"
    assert office.broken() == [BrokenRow("rollouts", "1")]


def test_controls_that_somebody_else_wrote_halt_a_rollout(office):
    office.start(wish=QUICK)
    office.sql(update(rollouts).values(controls={"needed": True, "restarted": {A: 1}}))
    office.look()
    assert (office.rollout().state, office.rollout().halted_why) == (RolloutState.HALTED, "approval.forged")


@pytest.mark.parametrize(
    "values", [{"decided_session": "x"}, {"decided_proof": "password and code"}, {"seal": ""}]
)
def test_an_approval_whose_proof_somebody_else_wrote_is_none(office, values):
    office.ask()
    office.decide(Choice.APPROVE)
    office.sql(update(approvals).values(values))
    office.run()
    assert (office.request().state, office.request().outcome) == (RequestState.FAILED, "approval.forged")


def test_an_approval_carries_who_proved_it_and_how(office):
    office.ask()
    with pytest.raises(ApprovalRefused) as refused:
        office.decide(Choice.APPROVE, confirmation=None)
    assert refused.value.key == "approval.refused.unproved"
    office.decide(Choice.APPROVE)
    one = office.request()
    assert (one.decided_by, one.decided_session, one.decided_proof) == ("bruno", TYPED.session, TYPED.proof)


@pytest.mark.parametrize(
    ("author", "by_command_line", "refused"),
    [("command line", True, True), ("command line", False, False), ("anne", True, False)],
)
def test_the_command_line_makes_one_half_alone(office, author, by_command_line, refused):
    office.ask(who=author)
    confirmation = replace(TYPED, by_command_line=by_command_line)
    if refused:
        with pytest.raises(ApprovalRefused) as found:
            office.decide(Choice.APPROVE, confirmation=confirmation)
        assert found.value.key == "approval.refused.command_line"
    else:
        assert office.decide(Choice.APPROVE, confirmation=confirmation).state is RequestState.APPROVED


@pytest.mark.parametrize("seal", ["before", ""])
def test_a_mark_of_a_revocation_that_somebody_takes_away_is_missed(office, seal):
    mine = configuration_versions.c.eui == A
    with office.database.read() as connection:
        before = connection.scalar(select(configuration_versions.c.seal).where(mine))
    with office.database.write() as connection:
        assert not is_revoked(connection, A, 1)
        revoke(connection, [(A, 1)], office.now_us)
        assert is_revoked(connection, A, 1)
    values = {"revoked_at_us": None, "seal": before if seal == "before" else seal}
    office.sql(update(configuration_versions).where(mine).values(values))
    with office.database.read() as connection:
        assert is_revoked(connection, A, 1)
        with pytest.raises(Forged):
            check_genuine(connection, KEY.public_key(), A, 1)


def layer(office, **settings):
    with office.database.write() as connection:
        version = layer_store.number_of(connection, FLEET) + 1
        made = Layer(key=FLEET, version=version, values=settings)
        layer_store.add_version(connection, made, who="anne", now_us=office.now_us, reason="essai")


def proposed(office, key):
    wanted = LayerWish(key=key, set={"intervals.stat_s": "77"}, reason="essai")
    with office.database.read() as connection:
        return propose_layer(connection, office.network, DEFAULTS, wanted)


@pytest.mark.parametrize("how", ["changed", "added"])
def test_nothing_is_sent_while_a_layer_is_what_somebody_else_wrote(office, how):
    layer(office, **{"intervals.stat_s": "60"})
    assert proposed(office, FLEET).proposal is not None
    row = office.row(configuration_layers)
    evil = {"settings": {"connectors.0.host": "evil.example"}}
    if how == "changed":
        office.sql(update(configuration_layers).values(evil))
    else:
        office.sql(insert(configuration_layers).values(row | evil | {"version": 2}))
    for key in (FLEET, LayerKey(Scope.GATEWAY, A)):
        with pytest.raises(LayerRefused) as refused:
            proposed(office, key)
        assert (refused.value.key, refused.value.values) == ("layer.refused.seal", {"layer": "fleet"})
    with pytest.raises(LayerRefused), office.database.read() as connection:
        layer_store.version_of(connection, FLEET, 1 if how == "changed" else 2)
