"""Channels that servers ask for: compared, reported once a change, obeyed from their owner alone."""

import json
from pathlib import Path

import pytest
from chirpstack_api.gw import gw_pb2 as gw
from hypothesis import given
from hypothesis import strategies as st

from agent.connectors.basics_station.server import RouterError, server_plan
from agent.connectors.chirpstack_mqtt.commands import CommandError
from agent.connectors.chirpstack_mqtt.configuration import (
    CHANNELS_LIMIT,
    VERSION_LIMIT_CHARACTERS,
    parse_configuration,
)
from agent.connectors.chirpstack_mqtt.protobuf import message, number, octets
from agent.connectors.plan_owner import OBEY_EVERY_US, PlanOwner
from agent.connectors.radio_plan import PlanError, RadioPlan, difference, plan_of, retuned
from agent.wire import reasons
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.reasons import Reason, text
from hal.board_files import choose

SETTINGS = choose("rak2287").settings
OURS = plan_of(SETTINGS)
THEIRS = RadioPlan(multi=frozenset({868_100_000, 868_300_000, 868_500_000, 867_300_000}))
SHIFTED = RadioPlan(multi=frozenset(range(864_100_000, 865_700_000, 200_000)))


def station_plan(multi: frozenset[int], centres: tuple[int, int] = (867_500_000, 868_500_000)) -> bytes:
    board: dict[str, object] = {
        f"radio_{n}": {"enable": True, "freq": centre, "type": "SX1257"} for n, centre in enumerate(centres)
    }
    for index, frequency in enumerate(sorted(multi)):
        radio = min((0, 1), key=lambda n: abs(frequency - centres[n]))
        offset = frequency - centres[radio]
        board[f"chan_multiSF_{index}"] = {"enable": True, "radio": radio, "if": offset}
    return json.dumps({"msgtype": "router_config", "DRs": [[7, 125, 0]], "sx1301_conf": [board]}).encode()


def chirpstack_plan(plan: RadioPlan, version: str = "v1") -> bytes:
    asked = gw.GatewayConfiguration(gateway_id="0016c001f12a3b4c", version=version)
    for frequency in sorted(plan.multi):
        channel = asked.channels.add(frequency=frequency)
        channel.lora_modulation_config.bandwidth = 125_000
        channel.lora_modulation_config.spreading_factors.extend(range(7, 13))
    if plan.service is not None:
        channel = asked.channels.add(frequency=plan.service[0])
        channel.lora_modulation_config.bandwidth = plan.service[1]
        channel.lora_modulation_config.spreading_factors.append(plan.service[2])
    if plan.fsk is not None:
        channel = asked.channels.add(frequency=plan.fsk[0])
        channel.fsk_modulation_config.bitrate = plan.fsk[1]
    return bytes(asked.SerializeToString())


def configuration(*, owner: bool, host: str = "lns") -> Configuration:
    connector = ConnectorConfig(
        name="bs", kind="basics_station", host=host, port=1, contractual=True, owns_radio_plan=owner
    )
    other = ConnectorConfig(name="cs", kind="chirpstack_mqtt", host="cs", port=1)
    return Configuration(connectors=(connector, other), fleet=FleetConfig(host="f", port=1))


def test_both_protocols_give_the_same_plan() -> None:
    assert server_plan(station_plan(THEIRS.multi)) == THEIRS
    assert parse_configuration(chirpstack_plan(THEIRS)).plan == THEIRS
    found = parse_configuration(chirpstack_plan(OURS, "v2"))
    assert (found.plan, found.version) == (OURS, "v2")
    assert server_plan(b'{"msgtype":"router_config","DRs":[]}') is None


def test_the_difference_is_told_channel_by_channel() -> None:
    assert difference(OURS, OURS) == ()
    assert difference(OURS, RadioPlan(multi=OURS.multi)) == (), "a server that says nothing of FSK is content"
    (less,) = difference(OURS, THEIRS)
    assert text(less, "fr") == "en moins 867,1 MHz\u202f; 867,5 MHz\u202f; 867,7 MHz\u202f; 867,9 MHz"
    other = RadioPlan(multi=OURS.multi, service=(868_300_000, 500_000, 9), fsk=(868_900_000, 50_000))
    assert [text(one, "fr") for one in difference(OURS, other)] == [
        "SF9 à 500 kHz sur 868,3 MHz",
        "FSK sur 868,9 MHz",
    ]


def test_an_fsk_channel_that_the_bridge_does_not_name_is_none() -> None:
    """The shape of ``router_config`` by ChirpStack Gateway Bridge (October 2025), as it arrived here."""
    board = {
        "radio_0": {"enable": True, "freq": 868_500_000},
        "radio_1": {"enable": True, "freq": 867_500_000},
        "chan_FSK": {"enable": True},
        "chan_Lora_std": {
            "enable": True,
            "radio": 0,
            "if": -200_000,
            "bandwidth": 250_000,
            "spread_factor": 7,
        },
        "chan_multiSF_0": {"enable": True, "radio": 0, "if": -400_000},
        "chan_multiSF_1": {"enable": False, "radio": 0, "if": 0},
    }
    message = json.dumps({"msgtype": "router_config", "DRs": [], "sx1301_conf": [board]}).encode()
    assert server_plan(message) == RadioPlan(
        multi=frozenset({868_100_000}), service=(868_300_000, 250_000, 7)
    )


@pytest.mark.parametrize("plan", [OURS, THEIRS, SHIFTED])
def test_the_radios_are_moved_to_where_the_plan_needs_them(plan: RadioPlan) -> None:
    assert plan_of(retuned(SETTINGS, plan)) == plan


@pytest.mark.parametrize(
    ("multi", "why"),
    [
        (set(), reasons.plan.no_channel()),
        (
            set(range(863_100_000, 864_900_000, 200_000)),
            reasons.plan.too_many(channels=9, limit_channels=8),
        ),
        ({863_100_000, 866_100_000, 869_800_000}, reasons.plan.too_far_apart(bandwidth_mhz=1.6)),
        ({915_000_000}, reasons.plan.out_of_band(frequency_mhz=915.0)),
    ],
)
def test_what_cannot_be_listened_to_is_refused(multi: set[int], why: Reason) -> None:
    with pytest.raises(PlanError) as refused:
        retuned(SETTINGS, RadioPlan(multi=frozenset(multi)))
    assert refused.value.why == why


def test_a_differing_plan_is_reported_once_a_change_and_not_obeyed(tmp_path: Path) -> None:
    restarts: list[str] = []
    owner = PlanOwner(tmp_path, configuration(owner=False), restarts.append)
    assert owner.plan_received("bs", OURS, 0) is None
    told = owner.plan_received("bs", THEIRS, 0)
    assert told is not None
    assert (told.value, told.reason.code) == ("RADIO_PLAN_DIFFERS", "plan.differs")
    assert [owner.plan_received("bs", THEIRS, n) for n in range(5)] == [None] * 5
    assert owner.plan_received("cs", THEIRS, 0) is not None, "another server is another report"
    again = owner.plan_received("bs", SHIFTED, 9)
    assert again is not None
    content = owner.plan_received("bs", OURS, 10)
    assert content is not None
    assert (content.value, owner.plan_received("bs", OURS, 11)) == ("RADIO_PLAN_SAME", None)
    assert (restarts, owner.settings(), list(tmp_path.iterdir())) == ([], SETTINGS, [])


def test_the_owner_is_obeyed_and_its_plan_holds_without_it(tmp_path: Path) -> None:
    restarts: list[str] = []
    owner = PlanOwner(tmp_path, configuration(owner=True), restarts.append)
    other = owner.plan_received("cs", SHIFTED, 0)
    assert other is not None
    assert other.value == "RADIO_PLAN_DIFFERS"
    told = owner.plan_received("bs", THEIRS, 0)
    assert told is not None
    assert (told.value, len(restarts)) == ("RADIO_PLAN_OBEYED", 1)
    assert plan_of(owner.settings()) == THEIRS
    assert owner.runs(THEIRS)
    soon = owner.plan_received("bs", SHIFTED, OBEY_EVERY_US - 1)
    assert soon is not None
    assert (soon.value, len(restarts)) == ("RADIO_PLAN_REFUSED", 1)
    deaf = owner.plan_received("bs", RadioPlan(multi=frozenset()), OBEY_EVERY_US)
    assert deaf is not None
    assert (deaf.value, plan_of(owner.settings())) == ("RADIO_PLAN_REFUSED", THEIRS)
    restarted = PlanOwner(tmp_path, configuration(owner=True), restarts.append)
    assert plan_of(restarted.settings()) == THEIRS
    restarted.reconfigure(configuration(owner=True, host="elsewhere"))
    assert (restarted.settings(), len(restarts)) == (SETTINGS, 2)
    (tmp_path / "radio-plan.json").write_bytes(b"torn")
    assert PlanOwner(tmp_path, configuration(owner=True), restarts.append).settings() == SETTINGS


@pytest.mark.parametrize(
    "board", ["5", '["x"]', '[{"radio_0":{"enable":true}}]', '[{"radio_0":{"enable":true,"freq":1e99}}]']
)
def test_a_board_that_is_none_is_named(board: str) -> None:
    with pytest.raises(RouterError, match="sx1301_conf"):
        server_plan(b'{"DRs":[],"sx1301_conf":' + board.encode() + b"}")


@given(st.binary(max_size=300))
def test_any_bytes_give_a_plan_or_an_error_of_ours(content: bytes) -> None:
    for parse, refusal in ((server_plan, RouterError), (parse_configuration, CommandError)):
        try:
            parse(content)
        except refusal:
            continue


@given(st.integers(1, 255), st.data())
def test_a_damaged_plan_is_refused_or_differs(change: int, data: st.DataObject) -> None:
    for made, parse, refusal in (
        (station_plan(THEIRS.multi), server_plan, RouterError),
        (chirpstack_plan(OURS), parse_configuration, CommandError),
    ):
        content = bytearray(made)
        content[data.draw(st.integers(0, len(content) - 1))] ^= change
        try:
            parse(bytes(content))
        except refusal:
            continue


def older_channel(*, khz: int, hz: int, factors: range) -> bytes:
    """A channel of ChirpStack 4.0 to 4.2, which says its bandwidth in kHz in field 1."""
    lora = number(1, khz) + b"".join(number(2, factor) for factor in factors) + number(3, hz)
    return message(3, number(1, 868_100_000) + message(3, lora))


@pytest.mark.parametrize(
    ("khz", "hz", "factors", "plan"),
    [
        (125, 0, range(7, 13), RadioPlan(multi=frozenset({868_100_000}))),
        (250, 0, range(7, 8), RadioPlan(multi=frozenset(), service=(868_100_000, 250_000, 7))),
        (0, 500_000, range(7, 8), RadioPlan(multi=frozenset(), service=(868_100_000, 500_000, 7))),
        (125, 250_000, range(7, 8), RadioPlan(multi=frozenset(), service=(868_100_000, 250_000, 7))),
        (0, 125_000, range(7, 8), RadioPlan(multi=frozenset(), service=(868_100_000, 125_000, 7))),
    ],
)
def test_a_bandwidth_is_taken_in_hz_or_in_the_khz_of_older_servers(
    khz: int, hz: int, factors: range, plan: RadioPlan
) -> None:
    assert parse_configuration(older_channel(khz=khz, hz=hz, factors=factors)).plan == plan


@pytest.mark.parametrize(
    ("khz", "hz", "factors"), [(250, 0, range(7, 13)), (200, 0, range(7, 8)), (125, 0, range(4, 8))]
)
def test_a_channel_that_no_concentrator_has_is_refused(khz: int, hz: int, factors: range) -> None:
    with pytest.raises(CommandError):
        parse_configuration(older_channel(khz=khz, hz=hz, factors=factors))


def test_versions_and_channels_are_taken_up_to_their_limits() -> None:
    channel = older_channel(khz=125, hz=0, factors=range(7, 13))
    assert parse_configuration(
        channel * CHANNELS_LIMIT + octets(2, b"v" * VERSION_LIMIT_CHARACTERS)
    ).plan.multi
    for content in (channel * (CHANNELS_LIMIT + 1), octets(2, b"v" * (VERSION_LIMIT_CHARACTERS + 1))):
        with pytest.raises(CommandError):
            parse_configuration(content)
