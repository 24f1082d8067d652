"""A commune by its sensors: means over sensors that still partition the window."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fleet.availability import document
from fleet.availability.figures import Share
from fleet.availability.indicators import by_serving
from fleet.availability.reckoning import reckon
from fleet.availability.sensors import Coverage, by_sensors
from fleet.availability.timeline import Span, Timeline
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS, Serving
from fleet.facts.states import Cause, CommuneState, GatewayState
from fleet.simulation.network import network_month

SENSORS = replace(DEFAULTS, serving=Serving.SENSORS)
WINDOW = Window(0, 100)


def line(eui, *spans):
    exceptions = tuple(
        Span(start, end, state, Cause.POWER if state is GatewayState.DOWN else Cause.NONE)
        for start, end, state in spans
    )
    return Timeline(eui=eui, start_us=0, end_us=100, exceptions=exceptions)


def down(start, end):
    return start, end, GatewayState.DOWN


def cover(euis, sensors):
    return Coverage(insee="37015", euis=tuple(euis), sensors=sensors)


def test_each_sensor_counts_with_its_own_coverers():
    lines = {"a": line("a", down(10, 20)), "b": line("b", down(16, 30))}
    found = by_sensors([cover("ab", 3), cover("a", 1)], lines, WINDOW, SENSORS)
    # three sensors lose 16 to 20, one loses 10 to 20: (3 × 4 + 10) / 4, rounded up against us
    assert found.share == Share(served=94, charged=6)
    assert sum(found.lost_by_us.values()) == found.by_state_us[CommuneState.LOST] == 6
    assert found.below_two_us == -(-(3 * 20 + 100) // 4)
    assert found.outages == 1


STATES = st.sampled_from(
    [GatewayState.DOWN, GatewayState.UNKNOWN, GatewayState.MAINTENANCE, GatewayState.OUT]
)
EDGES = st.lists(st.integers(0, 100), min_size=2, max_size=2, unique=True).map(sorted)


@given(
    st.lists(st.tuples(EDGES, STATES), min_size=3, max_size=3),
    st.lists(st.tuples(st.sampled_from(["a", "ab", "abc", "c"]), st.integers(1, 7)), min_size=1, max_size=4),
)
def test_the_states_partition_the_window(spans, coverages):
    lines = {
        eui: line(eui, (start, end, state)) for eui, ((start, end), state) in zip("abc", spans, strict=True)
    }
    groups = [cover(euis, sensors) for euis, sensors in coverages]
    found = by_sensors(groups, lines, WINDOW, SENSORS)
    assert sum(found.by_state_us.values()) == 100
    assert min(found.by_state_us.values()) >= 0
    assert sum(found.lost_by_us.values()) == found.by_state_us[CommuneState.LOST]


def test_the_contract_may_be_by_sensors():
    month = network_month(gateways=12, communes=4, troubles=150, month="2026-10").given
    insee = month.communes[0].insee
    alone = next(one.eui for one in month.facts.memberships if one.commune_insee == insee)
    given_ = replace(month, settings=SENSORS, coverages=(Coverage(insee=insee, euis=(alone,), sensors=5),))
    told, by_any = reckon(given_), reckon(month)
    figures = told.commune_figures[insee]
    gateway = told.gateway_figures[alone]
    assert figures.share.served == gateway.share.served < by_any.commune_figures[insee].share.served
    others = {name: one for name, one in told.commune_figures.items() if name != insee}
    assert others == {name: by_any.commune_figures[name] for name in others}
    assert by_serving(given_, told)[Serving.ANY] == by_any.share
    assert by_serving(given_, told)[Serving.SENSORS] == told.share
    again = document.read(document.write(given_))
    assert again.coverages == given_.coverages
    assert reckon(again).share == told.share
    assert document.digest(given_) != document.digest(replace(given_, coverages=()))
