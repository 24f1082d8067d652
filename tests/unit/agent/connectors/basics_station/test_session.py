"""One session with a live server: tokens, TLS that nothing lowers, the server's time."""

import json
import ssl
from pathlib import Path

import pytest

from agent.connectors.basics_station.connector import BasicsStationConnector
from agent.connectors.basics_station.credentials import CredentialStore, HandedOut, origin_of
from agent.connectors.basics_station.cups import Answer, Credentials, CupsError
from agent.connectors.basics_station.cups_line import token_of
from agent.connectors.basics_station.transport import ServerRefused, StationLine
from agent.connectors.basics_station.xtime import counter_of, xtime_of
from agent.wire import reasons
from agent.wire.configuration import ConnectorConfig, CupsConfig
from tests.datapath.certificates import issue
from tests.datapath.cups_server import CupsServer, answer_of
from tests.datapath.station import EUI, Gateway, StationServer
from tests.datapath.virtual import data_up
from tests.golden.files import GOLDEN

pytestmark = pytest.mark.anyio
TOKENS = GOLDEN / "cases" / "16-station-token-file"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def config(port: int, **changes: object) -> ConnectorConfig:
    fields = {"name": "bs", "kind": "basics_station", "host": "localhost", "port": port, "contractual": True}
    return ConnectorConfig(**(fields | changes))


def line(settings: ConnectorConfig) -> StationLine:
    return StationLine(settings, None, proved=lambda _: None, asked=lambda: None)


@pytest.mark.parametrize("name", ["tc.key", "tc2.key"])
async def test_a_token_file_as_consoles_hand_it_out_connects(name: str) -> None:
    lns = StationServer(None)
    server = await lns.start()
    settings = config(lns.port, token_file=str(TOKENS / name))
    await line(settings).discover(f"ws://localhost:{lns.port}", EUI)
    assert lns.tokens == ["Bearer NNSXS.EXEMPLE"]
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"Authorization: Bearer x\r\n", "Bearer x"),
        (b"authorization:Bearer x", "Bearer x"),
        (b"Bearer x\n\0", "Bearer x"),
        (b"", ""),
    ],
)
def test_every_form_of_a_token_file_has_one_value(tmp_path: Path, content: bytes, value: str) -> None:
    file = tmp_path / "tc.key"
    file.write_bytes(content)
    assert token_of(config(1, token_file=str(file))) == value


@pytest.mark.parametrize("content", [b"Bearer x\nBearer y", b"\xff", b"x" * 9_000])
def test_a_file_that_holds_no_token_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "tc.key"
    file.write_bytes(content)
    with pytest.raises(OSError, match=r"tc\.key: token"):
        token_of(config(1, token_file=str(file)))


async def test_discovery_over_tls_that_names_an_address_without_is_refused_before_a_byte_leaves(
    tmp_path: Path,
) -> None:
    issued = issue(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(issued.certificate_file, issued.key_file)
    clear, secure = StationServer(None), StationServer(tls)
    servers = [await clear.start(), await secure.start()]
    secure.scheme, secure.named_port = "ws", clear.port
    settings = config(
        secure.port, ca_file=str(issued.certificate_file), token_file=str(TOKENS / "tc.key"), tls=True
    )
    opened = line(settings)
    uri = await opened.discover(f"wss://localhost:{secure.port}", EUI)
    assert uri.startswith("ws://")
    with pytest.raises(ServerRefused, match="TLS must not be lowered"):
        await opened.open(uri)
    with pytest.raises(ServerRefused, match="TLS must not be lowered"):
        await line(settings).discover(f"ws://localhost:{clear.port}", EUI)
    assert (clear.tokens, secure.tokens) == ([], ["Bearer NNSXS.EXEMPLE"])
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_a_server_gets_its_own_time_back_and_our_xtime(tmp_path: Path) -> None:
    lns = StationServer(None)
    lns.router = lns.router | {"MuxTime": 1_000.5}
    server = await lns.start()
    async with Gateway(tmp_path, config(lns.port)) as gateway:
        await gateway.until(lambda: lns.traffic is not None and gateway.radio.running)
        await gateway.until(lambda: any(state.up for state in gateway.path.snapshot().connectors))
        gateway.radio.inject(data_up())
        await gateway.until(lambda: lns.of("updf"))
        ref_time_s = lns.of("updf")[0]["RefTime"]
        assert isinstance(ref_time_s, float)
        assert 1_000.5 <= ref_time_s < 1_100
        assert lns.traffic is not None
        before_us = gateway.clock.monotonic_us()
        await lns.traffic.send(json.dumps({"msgtype": "getxtime", "MuxTime": 7.5}))
        await lns.traffic.send(json.dumps({"msgtype": "error", "error": "not your turn"}))
        await gateway.until(lambda: lns.of("getxtime"))
        answer = lns.of("getxtime")[0]
        session = gateway.path._switchboard.session()
        counter_us = counter_of(answer["xtimes"][0], session)  # type: ignore[index]
        assert counter_us is not None
        assert before_us - 1_000_000 < counter_us < gateway.clock.monotonic_us() + 1_000_000
        assert answer["MuxTime"] == 7.5
        await gateway.until(lambda: gateway.path.snapshot().counters.get("bs.server_error") == 1)
        assert xtime_of(counter_us, session) == answer["xtimes"][0]  # type: ignore[index]
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(("asked", "sent"), [(False, 0), (True, 2)])
async def test_bytes_that_are_no_lorawan_are_counted_or_go_as_propdf_where_asked(
    tmp_path: Path, asked: bool, sent: int
) -> None:
    lns = StationServer(None)
    server = await lns.start()
    async with Gateway(tmp_path, config(lns.port, forward_non_lorawan=asked)) as gateway:
        await gateway.until(lambda: gateway.radio.running)
        await gateway.until(lambda: any(state.up for state in gateway.path.snapshot().connectors))
        for payload in (b"\x03" + bytes(15), b"\x00abc", data_up()):
            gateway.radio.inject(payload)
        await gateway.until(lambda: gateway.path.snapshot().delivered == 1 + sent)
        assert gateway.path.snapshot().counters.get("bs.no_frame", 0) == 2 - sent
        await gateway.until(lambda: gateway.path.snapshot().spool_records == 0)
        assert [message["FRMPayload"] for message in lns.of("propdf")] == ["03" + "00" * 15, "00616263"][
            :sent
        ]
    server.close()
    await server.wait_closed()


async def test_cups_may_not_name_an_address_without_the_tls_that_is_signed(tmp_path: Path) -> None:
    lns = StationServer(None)
    server = await lns.start()
    settings = config(9, tls=True, cups=CupsConfig(uri="https://cups.example"))
    async with Gateway(tmp_path, settings) as gateway:
        await gateway.until(lambda: gateway.path.snapshot().connectors)
        connector = gateway.path._switchboard.roster.connectors["bs"]
        assert isinstance(connector, BasicsStationConnector)
        keeper = connector._cups
        for answer in (Answer(tc_uri=f"ws://localhost:{lns.port}"), Answer(cups_uri="http://cups.example")):
            with pytest.raises(CupsError, match="without the TLS"):
                keeper._take(answer)
        assert keeper.handed_out == HandedOut()
        keeper.handed_out = HandedOut(tc_uri=f"ws://localhost:{lns.port}")
        assert keeper.uri == ""
    assert lns.tokens == []
    server.close()
    await server.wait_closed()


async def test_cups_over_plain_http_changes_nothing_of_an_lns_with_tls(tmp_path: Path) -> None:
    trusted = issue(tmp_path, "ca").der
    with CupsServer() as cups:
        settings = config(9, tls=True, cups=CupsConfig(uri=cups.uri))
        store = CredentialStore(tmp_path / "state" / "cups" / "bs", origin_of(settings))
        kept = Credentials(trust=trusted, certificate=b"", key=b"")
        store.save(HandedOut(tc_uri="wss://elsewhere.example", tc=kept))
        async with Gateway(tmp_path / "state", settings) as gateway:
            await gateway.until(lambda: gateway.path.snapshot().connectors)
            connector = gateway.path._switchboard.roster.connectors["bs"]
            assert isinstance(connector, BasicsStationConnector)
            keeper = connector._cups
            assert (keeper.uri, keeper.credentials) == ("", None), "what came that way before is not used"
            for answer in (answer_of(tc_uri="wss://elsewhere.example"), answer_of(tc=trusted + bytes(8))):
                cups.answer = answer
                assert not await keeper.ask()
            assert (keeper.uri, keeper.credentials) == ("", None)
            failed = [change.reason for change in gateway.journal.changes() if change.value == "CUPS_FAILED"]
            refused = reasons.lns.cups_without_tls()
            assert failed == [reasons.lns.cups_failed(uri=cups.uri, cause=refused)]
            cups.answer = bytes(14)
            assert await keeper.ask()
