"""A rollout over a database: asked for, looked at by the engine, carried out, taken back."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from agent.wire.messages import ConfigReported, ConfigState
from fleet.approvals.model import TwoPersons
from fleet.configurations.change import change
from fleet.configurations.commands import stopped_since
from fleet.configurations.store import newest_version
from fleet.configurations.tables import configuration_versions as versions
from fleet.configurations.working import working_version
from fleet.durations import HOUR_US, MINUTE_US
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import GatewayState
from fleet.identity.tables import audit_log
from fleet.live.memory import Memory
from fleet.rollouts import store
from fleet.rollouts.judging import control_group
from fleet.rollouts.look import Looking, carry_out
from fleet.rollouts.model import Failure, Hold, RolloutSettings, RolloutState, Step
from fleet.rollouts.single import Change, Unsafe, push, weigh
from fleet.rollouts.start import Order, RolloutRefused, Wish, give, propose, start
from fleet.rollouts.summaries import recent, summary_of
from fleet.rollouts.weighing import CONTROLS_LIMIT
from fleet.rollouts.weighing import weigh as weigh_all
from fleet.rollouts.words import hold_in_words, refused_in_words
from tests.unit.fleet.configurations.test_reconcile import CONFIGURATION, KEY, ask, hear
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database, received
from tests.unit.fleet.safety.networks import view_of

A, B, C = EUIS
SERVING, DOWN = GatewayState.SERVING, GatewayState.DOWN
PAIR = {"x": (A, B), "y": (C,)}
WISH = Wish(
    changes={"connectors.0.host": "lns2.example.fr"},
    reason="nouveau cœur",
    settings=RolloutSettings(canary_gateways=1, judged=False, shares_percent=(100,)),
)


ALONE = TwoPersons(addresses=False)
"""One administrator sends changes of addresses alone."""


class Fleet:
    """A database of three gateways with a confirmed version each, and time that goes on."""

    def __init__(self, folder, states=None):
        self.database, self.memory, self.now_us = founded_database(folder), Memory(), NOW_US
        self.network = view_of(dict.fromkeys(EUIS, SERVING) | (states or {}), PAIR).network
        with self.database.write() as connection:
            for eui in EUIS:
                ask(connection, eui=eui)
            connection.execute(versions.update().values(confirmed_at_us=NOW_US))

    def start(self, wish=WISH, rules=ALONE):
        with self.database.write() as connection:
            proposal = propose(connection, self.network, DEFAULTS, wish)
            return start(connection, KEY, rules, proposal, wish, who="anne", now_us=self.now_us)

    def weigh(self):
        with self.database.read() as connection:
            return weigh_all(connection, self.network, DEFAULTS, self.now_us)

    def look(self, later_us=MINUTE_US):
        self.now_us += later_us
        self.carry_out(self.weigh())

    def carry_out(self, weighed):
        with self.database.write() as connection:
            carry_out(
                Looking(
                    connection=connection,
                    key=KEY,
                    network=self.network,
                    contract=DEFAULTS,
                    now_us=self.now_us,
                ),
                weighed,
            )

    def weighed(self, **wanted):
        with self.database.read() as connection:
            told = {"network": self.network, "contract": DEFAULTS, "now_us": self.now_us}
            return weigh(connection, Change(**wanted), **told)

    def send(self, weighed):
        with self.database.write() as connection:
            return push(connection, KEY, weighed, contract=DEFAULTS, who="anne", now_us=self.now_us)

    def push(self, **wanted):
        return self.send(self.weighed(**wanted))

    def answer(self, eui, state=ConfigState.CONFIRMED, reason=""):
        """The gateway reports on its newest version; a confirmed one was confirmed by us."""
        with self.database.read() as connection:
            newest = newest_version(connection, eui)
        runs = newest.version if state is ConfigState.CONFIRMED else newest.version - 1
        told = ConfigReported(
            version=runs, sha256=newest.sha256, state=state, seen_version=newest.version, reason=reason
        )
        hear(self.database, self.memory, received(eui, "config/reported", told))
        if state is ConfigState.CONFIRMED:
            with self.database.write() as connection:
                mine = (versions.c.eui == eui) & (versions.c.version == newest.version)
                connection.execute(versions.update().where(mine).values(confirmed_at_us=self.now_us))

    def rollout(self, number=1):
        with self.database.read() as connection:
            return store.get(connection, number).rollout

    def host(self, eui):
        with self.database.read() as connection:
            return newest_version(connection, eui).configuration.connectors[0].host

    def applying(self):
        return {eui for eui, one in self.rollout().steps.items() if one.step is Step.APPLYING}


@pytest.fixture
def fleet(tmp_path):
    return Fleet(tmp_path)


def test_waves_go_one_after_the_other_and_end(fleet):
    fleet.start()
    fleet.look()
    first = fleet.applying()
    assert len(first) == 1
    assert C not in first, "it alone serves y"
    (canary,) = first
    assert fleet.host(canary) == "lns2.example.fr"
    fleet.answer(canary)
    fleet.look()
    fleet.look(WISH.settings.canary_soak_us - 1)
    assert fleet.rollout().wave == 0
    fleet.look()
    assert fleet.rollout().wave == 1
    fleet.look()
    (second,) = fleet.applying()
    assert {canary, second} == {A, B}
    fleet.answer(second)
    fleet.look()
    assert fleet.rollout().steps[C].hold is Hold.NEEDED
    fleet.network = view_of({A: SERVING, B: SERVING, C: SERVING}, {"x": (A, B), "y": (C, A)}).network
    fleet.look()
    assert fleet.applying() == {C}
    fleet.answer(C)
    fleet.look()
    fleet.look()
    fleet.look(WISH.settings.soak_us)
    assert fleet.rollout().state is RolloutState.DONE
    assert {fleet.host(eui) for eui in EUIS} == {"lns2.example.fr"}


def test_a_canary_that_rolls_back_takes_nobody_along(fleet):
    fleet.start()
    fleet.look()
    (canary,) = fleet.applying()
    fleet.answer(canary, ConfigState.ROLLED_BACK, "no answer")
    fleet.look()
    fleet.look()
    after = fleet.rollout()
    assert (after.state, after.halted_why) == (RolloutState.ROLLED_BACK, "failures")
    assert (after.steps[canary].step, after.steps[canary].failure) == (Step.REVERTED, Failure.ROLLED_BACK)
    assert hold_in_words("fr", after.steps[canary], {})
    assert {fleet.host(eui) for eui in EUIS} == {"a"}, "what failed is desired of nobody"
    with fleet.database.read() as connection:
        actions = list(connection.execute(select(audit_log.c.action)).scalars())
    assert {"rollout.start", "rollout.rolling_back", "rollout.rolled_back"} <= set(actions)


def test_a_failed_version_is_not_the_base_of_the_next(fleet):
    fleet.push(eui=A, changes={"connectors.0.host": "wrong"}, reason="faute")
    fleet.answer(A, ConfigState.ROLLED_BACK)
    with fleet.database.read() as connection:
        assert working_version(connection, A).version == 1
    fleet.push(eui=A, changes={"intervals.stat_s": "60"})
    assert fleet.host(A) == "a"


def test_one_gateway_is_not_changed_where_somebody_would_suffer(fleet):
    wanted = {"eui": C, "changes": {"connectors.0.host": "b"}}
    with pytest.raises(Unsafe) as caught:
        fleet.push(**wanted)
    assert [one.commune for one in caught.value.refusals] == ["Y"]
    quiet = {"eui": C, "changes": {"intervals.stat_s": "60"}}
    assert fleet.push(**quiet) == 2, "what stops nothing needs no permission"
    assert fleet.push(**wanted, despite="panne du cœur") == 3
    with fleet.database.read() as connection:
        asked = select(audit_log.c.after).where(audit_log.c.action == "configuration.despite")
        assert connection.execute(asked).scalar_one()["reason"] == "panne du cœur"


def test_of_two_neighbours_changed_at_the_same_time_the_second_is_refused(fleet):
    first, second = (fleet.weighed(eui=eui, changes={"connectors.0.host": "b"}) for eui in (A, B))
    fleet.send(first)
    with pytest.raises(RolloutRefused) as caught:
        fleet.send(second)
    assert caught.value.key == "rollout.refused.changed"
    with pytest.raises(Unsafe):
        fleet.weighed(eui=B, changes={"connectors.0.host": "b"})


def test_what_was_weighed_upon_an_older_version_is_refused(fleet):
    weighed = fleet.weighed(eui=A, changes={"intervals.stat_s": "60"})
    fleet.push(eui=A, changes={"intervals.stat_s": "90"})
    with pytest.raises(RolloutRefused) as caught:
        fleet.send(weighed)
    assert caught.value.key == "rollout.refused.changed"
    assert "Entre-temps" in refused_in_words("fr", caught.value)


def test_a_gateway_of_a_rollout_is_not_changed_beside_it(fleet):
    quiet = {"eui": A, "changes": {"intervals.stat_s": "60"}}
    weighed = fleet.weighed(**quiet)
    fleet.start()
    for late in (lambda: fleet.push(**quiet), lambda: fleet.send(weighed)):
        with pytest.raises(RolloutRefused) as caught:
            late()
        assert "n° 1" in refused_in_words("fr", caught.value)


def _neighbour_falls(fleet):
    (begins,) = {eui for eui in (A, B) if fleet.rollout().steps[eui].wave == 0}
    other = B if begins == A else A
    states = {A: SERVING, B: SERVING, C: SERVING} | {other: DOWN}
    fleet.network = view_of(states, PAIR).network


def _is_paused(fleet):
    with fleet.database.write() as connection:
        give(connection, 1, Order.PAUSE, who="anne", now_us=fleet.now_us)


def _is_changed(fleet):
    with fleet.database.write() as connection:
        for eui in (A, B):
            ask(connection, eui=eui)


@pytest.mark.parametrize("meanwhile", [_neighbour_falls, _is_paused, _is_changed])
def test_what_changed_between_weighing_and_the_transaction_lets_nobody_begin(fleet, meanwhile):
    fleet.start()
    fleet.now_us += MINUTE_US
    weighed = fleet.weigh()
    assert len(weighed.rollouts[0].acts) == 1
    before = fleet.network
    meanwhile(fleet)
    fleet.carry_out(weighed)
    assert fleet.applying() == set()
    fleet.network = before


def test_a_neighbour_far_away_that_falls_stops_nobody(fleet):
    fleet.start()
    fleet.now_us += MINUTE_US
    weighed = fleet.weigh()
    fleet.network = view_of({A: SERVING, B: SERVING, C: DOWN}, PAIR).network
    fleet.carry_out(weighed)
    assert len(fleet.applying()) == 1


def test_a_rollout_that_was_planned_upon_older_versions_does_not_start(fleet):
    with fleet.database.read() as connection:
        proposal = propose(connection, fleet.network, DEFAULTS, WISH)
    fleet.push(eui=A, changes={"intervals.stat_s": "60"})
    with fleet.database.write() as connection, pytest.raises(RolloutRefused) as caught:
        start(connection, KEY, ALONE, proposal, WISH, who="anne", now_us=NOW_US)
    assert caught.value.key == "rollout.refused.changed_many"


def test_people_pause_resume_and_take_back(fleet):
    fleet.start()
    with fleet.database.write() as connection:
        give(connection, 1, Order.PAUSE, who="anne", now_us=fleet.now_us)
    fleet.look()
    assert fleet.applying() == set()
    with fleet.database.write() as connection:
        give(connection, 1, Order.RESUME, who="anne", now_us=fleet.now_us)
    fleet.look()
    (canary,) = fleet.applying()
    fleet.answer(canary)
    fleet.look()
    with fleet.database.write() as connection:
        give(connection, 1, Order.ROLL_BACK, who="anne", now_us=fleet.now_us, reason="doute")
    fleet.look()
    assert fleet.rollout().steps[canary].step is Step.REVERTING
    assert fleet.host(canary) == "a"
    fleet.answer(canary)
    fleet.look()
    assert fleet.rollout().state is RolloutState.ROLLED_BACK
    with fleet.database.write() as connection, pytest.raises(RolloutRefused):
        give(connection, 1, Order.PAUSE, who="anne", now_us=fleet.now_us)


@pytest.mark.parametrize(
    ("wish", "key"),
    [
        ({"changes": {}}, "rollout.refused.nothing"),
        ({"changes": {"connectors.0.host": "a"}}, "rollout.refused.nothing"),
        ({"reason": " "}, "rollout.refused.reason"),
        ({"reason": "x" * 301}, "rollout.refused.reason"),
        ({"euis": ["0016c001f1999999"]}, "rollout.refused.unconfigured"),
        ({"changes": {"connectors.0.port": "99999"}}, "rollout.refused.value"),
        ({"changes": {"nothing.there": "1"}}, "rollout.refused.value"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(fleet, wish, key):
    told = {"changes": WISH.changes, "reason": WISH.reason} | wish
    with fleet.database.read() as connection, pytest.raises(RolloutRefused) as caught:
        propose(connection, fleet.network, DEFAULTS, Wish(**told))
    assert caught.value.key == key
    for lang in ("fr", "en"):
        assert "{" not in refused_in_words(lang, caught.value)


def test_a_gateway_that_is_configured_meanwhile_joins_the_last_wave_and_nobody_else(tmp_path):
    fleet = Fleet(tmp_path)
    late = "0016c001f1000009"
    with fleet.database.write() as connection:
        ask(connection, eui=A, configuration=change(CONFIGURATION, WISH.changes))
        connection.execute(versions.update().values(confirmed_at_us=NOW_US))
    fleet.start(replace(WISH, settings=replace(WISH.settings, new_ones_join=True)))
    assert set(fleet.rollout().steps) == {B, C}, "A has these settings already"
    fleet.network = view_of(dict.fromkeys((*EUIS, late), SERVING), PAIR).network
    fleet.look()
    assert set(fleet.rollout().steps) == {B, C}
    with fleet.database.write() as connection:
        ask(connection, eui=late, now_us=fleet.now_us)
    fleet.look()
    after = fleet.rollout()
    assert set(after.steps) == {B, C, late}
    assert after.steps[late].wave == len(after.waves) - 1


def test_a_list_of_rollouts_counts_what_the_rollout_itself_counts(fleet):
    fleet.start()
    fleet.look()
    with fleet.database.read() as connection:
        assert recent(connection) == [summary_of(store.get(connection, 1))]


def test_two_rollouts_do_not_overlap(fleet):
    fleet.start()
    with pytest.raises(RolloutRefused) as caught:
        fleet.start(Wish(changes={"intervals.stat_s": "60"}, reason="autre"))
    assert caught.value.key == "rollout.refused.busy"


def test_a_silent_gateway_fails_after_its_limit_and_offline_ones_are_deferred(tmp_path):
    fleet = Fleet(tmp_path, {B: DOWN})
    fleet.network = view_of({A: SERVING, B: DOWN, C: SERVING}, {"x": (A, C), "y": (C, A), "z": (B,)}).network
    fleet.start()
    fleet.look()
    (canary,) = fleet.applying()
    assert canary != B
    fleet.look(WISH.settings.silent_limit_us - 1)
    assert fleet.applying() == {canary}
    fleet.look(HOUR_US)
    assert fleet.rollout().steps[canary].failure is Failure.SILENT


CONTROLS = [f"{number:016x}" for number in range(1, 81)]


def with_controls(fleet):
    """Let forty pairs of neighbours stand beside the three gateways of the rollout."""
    pairs = {f"p{number}": CONTROLS[2 * number : 2 * number + 2] for number in range(40)}
    states = dict.fromkeys((*EUIS, *CONTROLS), SERVING)
    fleet.network = view_of(states, PAIR | pairs).network
    return pairs


def restarted(fleet):
    with fleet.database.read() as connection:
        return list(stopped_since(connection, 0))


def test_controls_restart_with_the_canaries_as_far_as_nobody_needs_them(fleet):
    pairs = with_controls(fleet)
    fleet.start(replace(WISH, settings=RolloutSettings(canary_gateways=1)))
    fleet.look()
    assert len(fleet.applying()) == 1
    found = restarted(fleet)
    assert len(found) == CONTROLS_LIMIT
    assert set(found) <= set(CONTROLS), "no gateway of the rollout"
    assert all(not set(pair) <= set(found) for pair in pairs.values()), "never both of a pair"
    fleet.look()
    assert restarted(fleet) == found, "once"
    with fleet.database.read() as connection:
        stored = store.get(connection, 1)
    assert set(stored.controls.restarted) == set(found)
    assert set(control_group(stored.rollout, fleet.network, stored.controls.restarted)) == set(found)


@pytest.mark.parametrize(
    "wish",
    [
        {"changes": {"intervals.stat_s": "60"}},
        {"settings": RolloutSettings(canary_gateways=1, controls_restart=False)},
        {"settings": RolloutSettings(canary_gateways=1, judged=False)},
    ],
)
def test_nobody_restarts_for_a_change_that_restarts_nobody_or_that_is_not_judged(fleet, wish):
    with_controls(fleet)
    fleet.start(replace(WISH, **{"settings": RolloutSettings(canary_gateways=1)} | wish))
    fleet.look()
    assert len(fleet.applying()) == 1
    assert restarted(fleet) == []
