from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.facts.states import Cause, CommuneState, GatewayState
from fleet.incidents.correlate import TOGETHER_US, explain
from fleet.incidents.model import Domain, SharedCause
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow

T0 = 10**15


def gateway(number: int, *, state: GatewayState = GatewayState.SERVING, **values: object) -> GatewayNow:
    made: dict[str, object] = {"commune_insee": f"{number // 2:05d}", "config_version": 1} | values
    return GatewayNow(
        eui=f"g{number}", name="", site_id=number, state=state, since_us=T0, proved=False, **made
    )


def network(*gateways: GatewayNow) -> NetworkNow:
    insee = {one.commune_insee for one in gateways}
    communes = {
        code: CommuneNow(
            insee=code,
            name=code,
            epci=f"E{int(code) // 3}",
            population=1,
            state=CommuneState.SERVED,
            since_us=T0,
            members=(),
            serving=(),
        )
        for code in insee
    }
    return NetworkNow(at_us=T0, gateways={one.eui: one for one in gateways}, communes=communes)


def causes(found: NetworkNow, *euis: str, **starts: int) -> list[tuple[Domain, str, int]]:
    failing = dict.fromkeys(euis, T0) | starts
    return [(one.cause.domain, one.cause.value, len(one.euis)) for one in explain(failing, found)]


def test_one_loss_stands_alone() -> None:
    found = network(*(gateway(number) for number in range(8)))
    assert causes(found, "g0") == [(Domain.GATEWAY, "g0", 1)]


def test_both_of_a_village_are_the_village() -> None:
    found = network(*(gateway(number) for number in range(8)))
    assert causes(found, "g0", "g1") == [(Domain.COMMUNE, "00000", 2)]


def test_half_an_operator_is_blamed_and_less_than_half_is_not() -> None:
    far = [gateway(number, commune_insee=f"{number * 3:05d}", backhaul_operator="O") for number in range(6)]
    others = [gateway(number, commune_insee=f"{number * 3:05d}") for number in range(6, 20)]
    found = network(*far, *others)
    assert causes(found, "g0", "g1", "g2") == [(Domain.OPERATOR, "O", 3)]
    assert [one[0] for one in causes(found, "g0", "g1")] == [Domain.GATEWAY] * 2
    bigger = network(*far, gateway(90, commune_insee="00270", backhaul_operator="O"), *others)
    assert [one[0] for one in causes(bigger, "g0", "g1", "g2")] == [Domain.GATEWAY] * 3


def test_a_proved_power_cut_is_no_operators_fault() -> None:
    base = [gateway(number, commune_insee=f"{number * 3:05d}", backhaul_operator="O") for number in range(3)]
    rest = [gateway(number, commune_insee=f"{number * 3:05d}") for number in range(3, 20)]
    cut = network(*(replace(one, cause=Cause.POWER) for one in base), *rest)
    assert [one[0] for one in causes(cut, "g0", "g1", "g2")] == [Domain.GATEWAY] * 3
    fed = network(*(replace(one, cause=Cause.POWER, power_feeder="F") for one in base), *rest)
    assert causes(fed, "g0", "g1", "g2") == [(Domain.FEEDER, "F", 3)]


def test_two_operators_at_once_are_two_causes() -> None:
    gateways = [
        gateway(number, commune_insee=f"{number * 3:05d}", backhaul_operator="AB"[number % 2])
        for number in range(8)
    ]
    calm = [
        gateway(number, commune_insee=f"{number * 3:05d}", backhaul_operator="C") for number in range(8, 30)
    ]
    found = network(*gateways, *calm)
    assert sorted(causes(found, *(f"g{number}" for number in range(8)))) == [
        (Domain.OPERATOR, "A", 4),
        (Domain.OPERATOR, "B", 4),
    ]


def test_gateways_changed_together_a_moment_ago_blame_the_change() -> None:
    gateways = [
        gateway(number, commune_insee=f"{number * 3:05d}", wave="« canal 8 », 02:10" if number < 5 else "")
        for number in range(20)
    ]
    found = network(*gateways)
    assert causes(found, "g0", "g1", "g2", "g3") == [(Domain.WAVE, "« canal 8 », 02:10", 4)]
    assert [one[0] for one in causes(found, "g0", "g1")] == [Domain.WAVE]
    everybody = network(*(replace(one, wave="w") for one in gateways))
    assert causes(everybody, *(f"g{number}" for number in range(20)))[0][0] is Domain.WAVE


def apart(count: int, **values: object) -> list[GatewayNow]:
    """Return gateways each in an EPCI of its own."""
    return [gateway(number, commune_insee=f"{number * 3:05d}", **values) for number in range(count)]


@pytest.mark.parametrize("count", range(2, 8))
def test_a_handful_is_never_the_whole_network(count: int) -> None:
    found = network(*apart(count))
    assert {one[0] for one in causes(found, *found.gateways)} == {Domain.GATEWAY}


@pytest.mark.parametrize(
    ("total", "lost", "whole"), [(8, 8, True), (16, 8, True), (17, 8, False), (12, 7, False)]
)
def test_the_network_wants_eight_and_half(total: int, lost: int, whole: bool) -> None:
    found = network(*apart(total))
    domains = {one[0] for one in causes(found, *list(found.gateways)[:lost])}
    assert domains == {Domain.NETWORK if whole else Domain.GATEWAY}


def test_an_operator_and_one_more_are_two_causes_and_not_the_network() -> None:
    found = network(
        *(
            gateway(number, commune_insee=f"{number * 3:05d}", backhaul_operator="A" if number < 9 else "B")
            for number in range(16)
        )
    )
    assert causes(found, *(f"g{number}" for number in range(10))) == [
        (Domain.OPERATOR, "A", 9),
        (Domain.GATEWAY, "g9", 1),
    ]


def test_a_storm_over_half_an_epci_is_one_cause() -> None:
    insee = [f"{number // 8:05d}" for number in range(24)]
    found = network(*(gateway(number, commune_insee=code) for number, code in enumerate(insee)))
    lost = [f"g{number}" for number in range(24) if number % 2 or number < 8]
    assert causes(found, *lost) == [(Domain.EPCI, "E0", 16)]


def test_the_network_server_is_blamed_only_by_proof() -> None:
    gateways = [
        gateway(number, commune_insee=f"{number * 3:05d}", cause=Cause.LNS, state=GatewayState.BUFFERING)
        for number in range(6)
    ]
    assert causes(network(*gateways), *(f"g{number}" for number in range(6))) == [(Domain.LNS, "", 6)]


@pytest.mark.parametrize(("apart", "parts"), [(TOGETHER_US, 1), (TOGETHER_US + 1, 2)])
def test_together_means_within_five_minutes(apart: int, parts: int) -> None:
    found = network(*(gateway(number) for number in range(8)))
    assert len(causes(found, g0=T0, g1=T0 + apart)) == parts


def test_withdrawn_gateways_do_not_count_in_a_domain() -> None:
    gateways = [gateway(number, commune_insee="00000", power_feeder="F") for number in range(2)]
    out = [
        gateway(number, commune_insee=f"{number * 3:05d}", power_feeder="F", state=GatewayState.OUT)
        for number in range(2, 9)
    ]
    found = network(*gateways, *out)
    assert causes(found, "g0", "g1") == [(Domain.FEEDER, "F", 2)]


lost = st.dictionaries(st.integers(0, 39), st.integers(0, 3 * TOGETHER_US), max_size=40)


@given(lost, st.integers(1, 4), st.integers(1, 5))
def test_every_loss_is_explained_exactly_once(failing: dict[int, int], operators: int, feeders: int) -> None:
    found = network(
        *(
            gateway(number, backhaul_operator=f"O{number % operators}", power_feeder=f"F{number % feeders}")
            for number in range(40)
        )
    )
    parts = explain({f"g{number}": T0 + since for number, since in failing.items()}, found)
    euis = [eui for part in parts for eui in part.euis]
    assert sorted(euis) == sorted(f"g{number}" for number in failing)
    for part in parts:
        assert part.cause == SharedCause(domain=Domain.GATEWAY, value=part.euis[0]) or len(part.euis) > 1
        assert 2 * part.lost >= part.total


@pytest.mark.parametrize(
    ("domain", "fewest"),
    [(Domain.FEEDER, 2), (Domain.OPERATOR, 3), (Domain.WAVE, 1), (Domain.EPCI, 3), (Domain.COMMUNE, 2)],
)
def test_a_domain_is_blamed_from_its_fewest_losses_on(domain: Domain, fewest: int) -> None:
    def sharing(count: int) -> NetworkNow:
        shared: dict[Domain, dict[str, object]] = {
            Domain.FEEDER: {"power_feeder": "F"},
            Domain.OPERATOR: {"backhaul_operator": "O"},
            Domain.WAVE: {"wave": "w"},
        }
        communes_apart = {Domain.EPCI: 1, Domain.COMMUNE: 0}.get(domain, 3)
        lost = [
            gateway(number, commune_insee=f"{number * communes_apart:05d}", **shared.get(domain, {}))
            for number in range(count)
        ]
        return network(
            *lost, *(gateway(number, commune_insee=f"{number * 3:05d}") for number in range(20, 40))
        )

    enough, few = sharing(fewest), sharing(fewest - 1)
    assert [one[0] for one in causes(enough, *(f"g{n}" for n in range(fewest)))] == [domain]
    assert {one[0] for one in causes(few, *(f"g{n}" for n in range(fewest - 1)))} <= {Domain.GATEWAY}


def test_our_change_is_suspected_before_the_village_of_those_that_it_reached() -> None:
    """The village explains two of two, the change two of six; nobody untouched speaks for the village."""
    changed = [gateway(number, wave="w" if number < 6 else "") for number in range(12)]
    assert causes(network(*changed), "g0", "g1") == [(Domain.WAVE, "w", 2)]


def test_of_two_that_explain_equally_much_the_one_with_the_larger_share_is_blamed() -> None:
    """Two of two in the village weigh as much as three of five of the operator: 2 - 0 and 3 - 2 / 2."""
    village = [gateway(number, commune_insee="00000", backhaul_operator="O") for number in range(2)]
    far = [
        gateway(number, commune_insee=f"{number * 3:05d}", backhaul_operator="O") for number in range(2, 5)
    ]
    rest = [gateway(number, commune_insee=f"{number * 3:05d}") for number in range(5, 20)]
    found = causes(network(*village, *far, *rest), "g0", "g1", "g2")
    assert found == [(Domain.COMMUNE, "00000", 2), (Domain.GATEWAY, "g2", 1)]


def test_losses_of_one_instant_are_told_in_the_order_of_their_gateways() -> None:
    found = network(*apart(9))
    assert [one[1] for one in causes(found, "g2", "g0", "g1")] == ["g0", "g1", "g2"]
