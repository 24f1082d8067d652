"""What one open page is told, cycle by cycle."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fleet.facts.states import GatewayState
from fleet.live.feed import LiveUpdate
from fleet.live.model import NetworkNow
from fleet.tickets import actions
from fleet.tickets.model import Acknowledge
from fleet.web.pages.live import COUNTERS_EACH, Story
from fleet.web.rendering import Words
from fleet.web.visit import Visit
from tests.unit.fleet.web.network import make_app, network_of
from tests.unit.fleet.web.sample import NOW_US, eui_of


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Story, NetworkNow, Any]]:
    app = make_app(tmp_path)
    visit = Visit(
        request=cast("Any", SimpleNamespace(app=app, state=SimpleNamespace())),
        person=None,
        words=Words("fr", NOW_US),
    )
    yield Story(visit), network_of(app.state.parts.database, NOW_US), app.state.parts.database
    app.state.parts.database.close()


def with_word(network: NetworkNow, eui: str, at_us: int) -> NetworkNow:
    spoken = replace(network.gateways[eui], last_word_us=at_us)
    return replace(network, at_us=at_us, gateways={**network.gateways, eui: spoken})


def update(network: NetworkNow, cycle: int = 1, *, lagged: bool = False) -> LiveUpdate:
    return LiveUpdate(cycle=cycle, network=network, lagged=lagged)


def test_the_first_cycle_only_says_when(opened: tuple[Story, NetworkNow, Any]) -> None:
    story, network, _ = opened
    assert story.tell(update(network)) == {"at_us": NOW_US, "topics": [], "values": {}}


def test_a_heartbeat_is_a_text_not_a_change(opened: tuple[Story, NetworkNow, Any]) -> None:
    story, network, _ = opened
    story.tell(update(network))
    later = with_word(network, eui_of(0), NOW_US + 3_000_000)
    assert story.tell(update(later, 2)) == {
        "at_us": NOW_US + 3_000_000,
        "topics": [],
        "values": {f"word:{eui_of(0)}": "14:37:03"},
    }


def test_counters_of_those_that_spoke_follow_a_few_cycles_later(
    opened: tuple[Story, NetworkNow, Any],
) -> None:
    story, network, _ = opened
    story.tell(update(network))
    story.tell(update(with_word(network, eui_of(2), NOW_US + 1), 2))
    values = story.tell(update(with_word(network, eui_of(2), NOW_US + 1), COUNTERS_EACH))["values"]
    assert values[f"received:{eui_of(2)}"] == "18\u202f062"


def test_a_change_of_state_is_a_topic(opened: tuple[Story, NetworkNow, Any]) -> None:
    story, network, _ = opened
    story.tell(update(network))
    down = replace(network.gateways[eui_of(0)], state=GatewayState.DOWN)
    after = replace(network, gateways={**network.gateways, eui_of(0): down})
    assert story.tell(update(after, 2))["topics"] == ["network", "figures"]


def test_a_new_line_of_a_ticket_is_a_topic(opened: tuple[Story, NetworkNow, Any]) -> None:
    story, network, database = opened
    story.tell(update(network))
    with database.write() as connection:
        actions.act(connection, 1, Acknowledge(who="A. Martin", via="link", at_us=NOW_US), NOW_US)
    assert story.tell(update(network, 2))["topics"] == ["tickets"]


def test_a_client_that_lagged_looks_again(opened: tuple[Story, NetworkNow, Any]) -> None:
    story, network, _ = opened
    story.tell(update(network))
    assert story.tell(update(network, 9, lagged=True))["topics"] == ["network", "figures"]


def test_figures_are_looked_at_again_while_time_goes_by(opened: tuple[Story, NetworkNow, Any]) -> None:
    story, network, _ = opened
    topics = [story.tell(update(replace(network, at_us=NOW_US + s * 1_000_000)))["topics"] for s in range(62)]
    assert [second for second, found in enumerate(topics) if found == ["figures"]] == [30, 60]


def test_figures_follow_once_they_have_caught_up_with_a_change(opened: tuple[Story, NetworkNow, Any]) -> None:
    story, network, _ = opened
    story.tell(update(network))
    down = replace(network.gateways[eui_of(0)], state=GatewayState.DOWN)
    later = replace(network, at_us=NOW_US + 1, gateways={**network.gateways, eui_of(0): down})
    assert story.tell(update(later, 2))["topics"] == ["network"]
    story._visit.request.app.state.parts.clock.at_us += 20_000_000
    assert story.tell(update(later, 3))["topics"] == ["figures"]
    assert story.tell(update(later, 4))["topics"] == []
