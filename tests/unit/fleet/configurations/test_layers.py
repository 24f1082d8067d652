"""Layers: which wins, what variables become, what is refused; pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire.configuration import ConfigurationError
from fleet.configurations.change import flatten
from fleet.configurations.layers import (
    ORDER,
    About,
    Layer,
    LayerKey,
    LayerRefused,
    Scope,
    VariableMissing,
    check_values,
    choose,
    explain,
    merge,
    read_key,
)
from tests.unit.fleet.configurations.test_reconcile import CONFIGURATION

ONE = About(
    eui="0016c001f1000001",
    name="Chançay · Mairie",
    commune="Chançay",
    insee="37052",
    epci="CC Touraine-Est Vallées",
    departement="37",
    model="rak7289",
)
SUBJECTS = {
    Scope.FLEET: "",
    Scope.DEPARTEMENT: "37",
    Scope.EPCI: "CC Touraine-Est Vallées",
    Scope.COMMUNE: "37052",
    Scope.MODEL: "rak7289",
    Scope.GATEWAY: ONE.eui,
}


def layer(scope, subject=None, **values):
    key = LayerKey(scope, SUBJECTS[scope] if subject is None else subject)
    return Layer(key=key, version=1, values={path.replace("__", "."): text for path, text in values.items()})


@given(st.lists(st.sampled_from(ORDER), min_size=1, unique=True), st.randoms())
def test_the_most_special_layer_wins_in_whatever_order_they_come(scopes, random):
    layers = [layer(scope, intervals__stat_s=str(30 + ORDER.index(scope))) for scope in scopes]
    random.shuffle(layers)
    merged = merge(CONFIGURATION, layers, ONE)
    last = max(scopes, key=ORDER.index)
    assert merged.configuration.intervals.stat_s == 30 + ORDER.index(last)
    assert merged.chosen.origin == {"intervals.stat_s": LayerKey(last, SUBJECTS[last])}
    beaten = [key.scope for key in merged.chosen.beaten.get("intervals.stat_s", ())]
    assert beaten == sorted(set(scopes) - {last}, key=ORDER.index)


@pytest.mark.parametrize("scope", [one for one in Scope if one is not Scope.FLEET])
def test_a_layer_about_others_says_nothing(scope):
    merged = merge(CONFIGURATION, [layer(scope, "elsewhere", intervals__stat_s="31")], ONE)
    assert merged.configuration == CONFIGURATION


def test_layers_that_say_different_things_are_all_heard_and_the_rest_stays_as_it_runs():
    layers = [layer(Scope.FLEET, connectors__0__host="lns.{departement}.example"), layer(Scope.COMMUNE)]
    layers.append(layer(Scope.GATEWAY, intervals__stat_s="45"))
    merged = merge(CONFIGURATION, layers, ONE)
    assert merged.configuration.connectors[0].host == "lns.37.example"
    assert merged.configuration.intervals.stat_s == 45
    before, after = flatten(CONFIGURATION), flatten(merged.configuration)
    assert {path for path in after if before.get(path) != after[path]} == set(merged.chosen.origin)


def test_each_setting_is_explained():
    layers = [layer(Scope.FLEET, intervals__stat_s="45"), layer(Scope.MODEL, intervals__stat_s="60")]
    found = {one.path: one for one in explain(CONFIGURATION, merge(CONFIGURATION, layers, ONE))}
    stat = found["intervals.stat_s"]
    assert (stat.value, stat.origin, stat.beaten) == (
        "60",
        LayerKey(Scope.MODEL, "rak7289"),
        (LayerKey(Scope.FLEET),),
    )
    assert stat.runs == str(CONFIGURATION.intervals.stat_s), "it does not run it yet"
    assert found["connectors.0.host"].origin is None


def test_a_variable_without_value_is_named():
    with pytest.raises(VariableMissing, match="model"):
        choose([layer(Scope.FLEET, connectors__0__host="{model}.example")], About(eui=ONE.eui))


def test_a_variable_that_does_not_exist_is_refused_before_anything_is_kept():
    with pytest.raises(LayerRefused) as caught:
        check_values({"connectors.0.host": "{town}.example"})
    assert caught.value.values["name"] == "town"
    assert "commune" in str(caught.value.values["known"])


def test_layers_that_together_make_no_configuration_are_refused():
    with pytest.raises(ConfigurationError):
        merge(CONFIGURATION, [layer(Scope.FLEET, connectors__0__port="{eui}")], ONE)
    with pytest.raises(ConfigurationError):
        merge(CONFIGURATION, [layer(Scope.FLEET, nothing__there="1")], ONE)


@pytest.mark.parametrize("text", ["fleet", "departement:37", "epci:CC du Val", "commune:37052", "model:x"])
def test_a_layer_is_read_as_it_is_written(text):
    assert str(read_key(text)) == text


@pytest.mark.parametrize("text", ["", "town:37", "commune", "commune:", "fleet:37", "model:" + "x" * 201])
def test_what_is_no_layer_is_refused(text):
    with pytest.raises(LayerRefused):
        read_key(text)
