"""A layer over a database: planned, started, carried out on those that change, taken back, drifted from."""

import pytest

from agent.wire.messages import ConfigState
from fleet.configurations import layer_store
from fleet.configurations.layers import LayerKey, LayerRefused, Scope
from fleet.configurations.store import newest_version
from fleet.facts.settings import DEFAULTS
from fleet.rollouts.layering import LayerWish, back_to, drift, explained, propose_layer, start_layer
from fleet.rollouts.model import RolloutSettings, RolloutState
from fleet.rollouts.start import RolloutRefused
from fleet.rollouts.words import drift_in_words, layer_refused_in_words, origin_in_words
from tests.unit.fleet.founded import EUIS
from tests.unit.fleet.rollouts.test_look import ALONE, KEY, SERVING, Fleet
from tests.unit.fleet.safety.networks import view_of

A, B, C = EUIS
FLEET = LayerKey(Scope.FLEET)
QUICK = RolloutSettings(canary_gateways=1, judged=False, shares_percent=(100,))


@pytest.fixture
def fleet(tmp_path):
    found = Fleet(tmp_path)
    found.network = view_of(dict.fromkeys(EUIS, SERVING), {"x": EUIS}).network
    return found


def wish(key=FLEET, unset=(), **values):
    said = {path.replace("__", "."): text for path, text in values.items()}
    return LayerWish(key=key, set=said, unset=unset, reason="essai", settings=QUICK)


def proposed(fleet, wanted):
    with fleet.database.read() as connection:
        return propose_layer(connection, fleet.network, DEFAULTS, wanted)


def started(fleet, wanted):
    with fleet.database.write() as connection:
        return start_layer(connection, KEY, ALONE, wanted, who="anne", now_us=fleet.now_us)


def finished(fleet, number):
    for _ in range(12):
        fleet.look(QUICK.canary_soak_us)
        for eui in fleet.applying() if number == 1 else _applying(fleet, number):
            fleet.answer(eui)
    return fleet.rollout(number).state


def _applying(fleet, number):
    return {eui for eui, one in fleet.rollout(number).steps.items() if one.step == "applying"}


def stat_of(fleet, eui):
    with fleet.database.read() as connection:
        return newest_version(connection, eui).configuration.intervals.stat_s


def drifted(fleet):
    with fleet.database.read() as connection:
        return drift(connection)


def test_a_layer_reaches_every_gateway_of_it_with_its_own_values(fleet):
    wanted = proposed(fleet, wish(connectors__0__host="{eui}.example"))
    assert set(wanted.proposal.touched) == set(EUIS)
    assert finished(fleet, started(fleet, wanted)) is RolloutState.DONE
    assert {eui: fleet.host(eui) for eui in EUIS} == {eui: f"{eui}.example" for eui in EUIS}
    assert drifted(fleet) == []


def test_a_more_special_layer_keeps_its_gateway_out_of_the_rollout(fleet):
    mine = LayerKey(Scope.GATEWAY, A)
    finished(fleet, started(fleet, proposed(fleet, wish(mine, intervals__stat_s="45"))))
    wanted = proposed(fleet, wish(intervals__stat_s="60"))
    assert set(wanted.proposal.touched) == {B, C}
    assert finished(fleet, started(fleet, wanted)) is RolloutState.DONE
    assert [stat_of(fleet, eui) for eui in EUIS] == [45, 60, 60]
    with fleet.database.read() as connection:
        (one,) = (one for one in explained(connection, A) if one.path == "intervals.stat_s")
    said = origin_in_words("fr", one).replace("\u202f", " ").replace("\u00a0", " ")
    assert said == f"passerelle {A} (l’emporte sur : toute la flotte)"


def test_a_layer_goes_back_to_any_version_of_it(fleet):
    finished(fleet, started(fleet, proposed(fleet, wish(intervals__stat_s="45"))))
    finished(fleet, started(fleet, proposed(fleet, wish(intervals__stat_s="60"))))
    with fleet.database.read() as connection:
        back = back_to(connection, FLEET, 1, "retour")
        wanted = propose_layer(connection, fleet.network, DEFAULTS, back)
        with pytest.raises(LayerRefused):
            back_to(connection, FLEET, 9, "retour")
    assert wanted.layer.version == 3
    started(fleet, wanted)
    with fleet.database.read() as connection:
        versions = [(one.layer.version, one.layer.values) for one in layer_store.history(connection, FLEET)]
    assert versions == [
        (3, {"intervals.stat_s": "45"}),
        (2, {"intervals.stat_s": "60"}),
        (1, {"intervals.stat_s": "45"}),
    ]


def test_what_failed_on_a_gateway_is_drift_with_its_reason_and_is_not_sent_again_by_another_layer(fleet):
    started(fleet, proposed(fleet, wish(connectors__0__host="wrong")))
    fleet.look()
    (canary,) = fleet.applying()
    assert {one.why for one in drifted(fleet)} == {"rollout"}
    fleet.answer(canary, ConfigState.ROLLED_BACK, "no answer")
    for _ in range(3):
        fleet.look()
    assert fleet.rollout().state is RolloutState.ROLLED_BACK
    found = {one.eui: one for one in drifted(fleet)}
    assert set(found) == set(EUIS)
    assert {one.desired for one in found.values()} == {"wrong"}
    assert all(drift_in_words("fr", one) for one in found.values())
    wanted = proposed(fleet, wish(intervals__stat_s="60"))
    assert set(wanted.proposal.own_changes[canary]) == {"intervals.stat_s"}


def test_a_value_that_is_taken_out_becomes_the_gateways_own(fleet):
    finished(fleet, started(fleet, proposed(fleet, wish(intervals__stat_s="45"))))
    wanted = proposed(fleet, wish(unset=["intervals.stat_s"]))
    assert wanted.proposal is None
    assert started(fleet, wanted) == 0
    assert [stat_of(fleet, eui) for eui in EUIS] == [45, 45, 45]


@pytest.mark.parametrize(
    ("values", "key", "word"),
    [
        ({"connectors__0__host": "{model}.example"}, "layer.refused.no_value", "{model}"),
        ({"connectors__0__port": "99999"}, "layer.refused.whole", "3 passerelles"),
        ({"connectors__0__host": "{town}"}, "layer.refused.variable", "town"),
        ({}, "layer.refused.nothing", "fleet"),
    ],
)
def test_a_layer_that_cannot_be_is_refused_by_name_with_the_gateways(fleet, values, key, word):
    with pytest.raises(LayerRefused) as caught:
        proposed(fleet, wish(**values))
    assert caught.value.key == key
    assert word in layer_refused_in_words("fr", caught.value)
    with fleet.database.read() as connection:
        assert layer_store.load_layers(connection) == {}, "nothing is kept"


def test_a_layer_that_somebody_changed_meanwhile_is_looked_at_again(fleet):
    first, second = (proposed(fleet, wish(intervals__stat_s=text)) for text in ("45", "60"))
    started(fleet, first)
    with pytest.raises((LayerRefused, RolloutRefused)):
        started(fleet, second)
