"""CUPS over HTTPS moves a gateway to another LNS with other credentials; a restart needs no CUPS."""

import ssl
from pathlib import Path

import pytest

from agent.connectors.basics_station.connector import BasicsStationConnector
from agent.wire import reasons
from agent.wire.configuration import ConnectorConfig, CupsConfig
from tests.datapath.certificates import Issued, issue
from tests.datapath.cups_server import CupsServer, answer_of
from tests.datapath.station import Gateway, StationServer
from tests.datapath.virtual import data_up

pytestmark = [pytest.mark.e2e, pytest.mark.anyio]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def serving(certificate: Issued, believed: Issued | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    if believed is not None:
        context.load_verify_locations(believed.certificate_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def cups_of(gateway: Gateway) -> BasicsStationConnector:
    connector = gateway.path._switchboard.roster.connectors["bs"]
    assert isinstance(connector, BasicsStationConnector)
    return connector


async def test_cups_moves_a_gateway_to_another_server_for_good(tmp_path: Path) -> None:
    outside, inside = issue(tmp_path, "outside"), issue(tmp_path, "inside")
    mine = issue(tmp_path, "gateway", inside)
    (tmp_path / "token").write_text("Bearer first\n")
    lns = StationServer(serving(issue(tmp_path, "lns", inside), inside))
    server = await lns.start()
    with CupsServer(serving(issue(tmp_path, "cups", outside), None)) as cups:
        config = ConnectorConfig(
            name="bs",
            kind="basics_station",
            host="localhost",
            port=9,
            contractual=True,
            cups=CupsConfig(
                uri=cups.uri,
                ca_file=str(outside.certificate_file),
                token_file=str(tmp_path / "token"),
            ),
        )
        cups.answer = answer_of(
            tc_uri=f"wss://localhost:{lns.port}",
            tc=inside.der + mine.der + mine.key_der,
            cups=outside.der + bytes(4) + b"Authorization: Bearer second\r\n",
            signature=bytes(72),
            update=b"#!/bin/sh\nreboot\n" * 20_000,
        )
        async with Gateway(tmp_path / "state", config) as gateway:
            await gateway.until(lambda: gateway.path.snapshot().connectors)
            gateway.radio.inject(data_up(fcnt=1))
            assert await cups_of(gateway)._cups.ask()
            await gateway.until(lambda: gateway.path.snapshot().delivered == 1, 30)
            told = {change.value: change.reason for change in gateway.journal.changes()}
            assert told["CUPS_CHANGED"] == reasons.lns.cups_changed(changed="lns")
            assert told["CUPS_UPDATE_REFUSED"] == reasons.lns.cups_software_refused()
            cups.answer = bytes(14)
            assert await cups_of(gateway)._cups.ask()
            assert set(cups.paths) == {"/update-info"}
            assert (cups.tokens[0], cups.tokens[-1]) == ("Bearer first", "Bearer second")
            assert cups.asked[-1]["tcUri"] == f"wss://localhost:{lns.port}"
            assert cups.asked[0]["tcCredCrc"] != cups.asked[-1]["tcCredCrc"]
    async with Gateway(tmp_path / "state", config) as gateway:
        await gateway.until(lambda: gateway.radio.running)
        gateway.radio.inject(data_up(fcnt=2))
        await gateway.until(lambda: gateway.path.snapshot().delivered == 1, 30)
    assert sorted(message["FCnt"] for message in lns.of("updf")) == [1, 2]
    server.close()
    await server.wait_closed()


async def test_an_answer_that_is_none_changes_nothing_and_is_told_once(tmp_path: Path) -> None:
    with CupsServer() as cups:
        config = ConnectorConfig(
            name="bs",
            kind="basics_station",
            host="localhost",
            port=9,
            contractual=True,
            cups=CupsConfig(uri=cups.uri),
        )
        async with Gateway(tmp_path / "state", config) as gateway:
            await gateway.until(lambda: gateway.path.snapshot().connectors)
            keeper = cups_of(gateway)._cups
            for answer, status in (
                (b"rubbish", 200),
                (b"rubbish", 200),
                (answer_of(tc_uri="wss://elsewhere", tc=b"\x30\x01a"), 200),
                (bytes(14), 403),
            ):
                cups.answer, cups.status = answer, status
                assert not await keeper.ask()
            assert keeper.handed_out.tc_uri == ""
            assert not list((tmp_path / "state" / "cups").glob("*/*"))
            counters = gateway.path.snapshot().counters
            assert (counters["bs.cups_malformed"], counters["bs.cups_failed"]) == (3, 1)
            told = gateway.journal.changes()
            assert [one.value for one in told].count("CUPS_FAILED") == 3
