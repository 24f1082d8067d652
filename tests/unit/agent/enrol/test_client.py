import asyncio
import socket
import threading
from pathlib import Path

import pytest

from agent.enrol.client import enrol, keep_renewed, load_enrolment, renew_once
from agent.enrol.http import BadUrl, NoHttp, download, post, refusal_in, upload
from agent.enrol.step import Enrolment, Outcome
from agent.identity import Identity
from agent.wire import reasons
from tests.controlpath.enrolment_server import EnrolmentServer
from tests.controlpath.virtual import EUI, Authority, SigningFleet, VirtualClock, configuration

TOKEN = "t" * 43


def enrolled(server: EnrolmentServer, folder: Path, enrolments: list[Enrolment]) -> Identity:
    identity = Identity(folder / "identity", eui=EUI)
    order = SigningFleet().order(configuration(), enrol_url=server.url, fleet_ca_pem=server.authority.pem)
    asyncio.run(enrol(order, identity, state=folder, clock=VirtualClock(), changed=enrolments.append))
    return identity


def test_the_token_never_travels_and_the_certificate_is_kept(tmp_path: Path) -> None:
    with EnrolmentServer(Authority(), TOKEN).serving() as server:
        enrolments: list[Enrolment] = []
        identity = enrolled(server, tmp_path, enrolments)
    assert identity.enrolled
    assert TOKEN not in str(server.requests)
    assert [one.outcome for one in enrolments] == [Outcome.ENROLLED]
    assert load_enrolment(tmp_path).outcome is Outcome.ENROLLED


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (403, {"detail": {"reason": "used", "detail": "used already"}}, Outcome.USED),
        (403, {"detail": "this token has expired", "reason": "expired"}, Outcome.EXPIRED),
        (500, {}, Outcome.SERVER_FAULT),
    ],
)
def test_a_refusal_is_on_disk_for_agent_status(
    tmp_path: Path, status: int, body: dict[str, object], outcome: Outcome
) -> None:
    enrolments: list[Enrolment] = []

    async def one_try(server: EnrolmentServer) -> None:
        identity = Identity(tmp_path / "identity", eui=EUI)
        order = SigningFleet().order(configuration(), enrol_url=server.url)
        said = asyncio.Event()

        def changed(enrolment: Enrolment) -> None:
            enrolments.append(enrolment)
            said.set()

        task = asyncio.create_task(
            enrol(order, identity, state=tmp_path, clock=VirtualClock(), changed=changed)
        )
        await said.wait()
        task.cancel()

    with EnrolmentServer(Authority(), TOKEN).serving() as server:
        server.refusals = [(status, body)]
        asyncio.run(one_try(server))
    assert enrolments[0].outcome is outcome
    assert load_enrolment(tmp_path) == enrolments[0]


def test_a_foreign_certificate_in_the_answer_is_not_taken(tmp_path: Path) -> None:
    with EnrolmentServer(Authority(), TOKEN).serving() as server:
        identity = Identity(tmp_path / "identity", eui=EUI)
        order = SigningFleet().order(configuration(), enrol_url=server.url, fleet_ca_pem=Authority().pem)
        said = asyncio.Event()

        async def one_try() -> Enrolment:
            enrolments: list[Enrolment] = []

            def changed(enrolment: Enrolment) -> None:
                enrolments.append(enrolment)
                said.set()

            task = asyncio.create_task(
                enrol(order, identity, state=tmp_path, clock=VirtualClock(), changed=changed)
            )
            await said.wait()
            task.cancel()
            return enrolments[0]

        assert asyncio.run(one_try()).outcome is Outcome.BAD_CERTIFICATE
    assert not identity.enrolled


def test_renewal_at_a_third_of_the_life(tmp_path: Path) -> None:
    with EnrolmentServer(Authority(), TOKEN).serving() as server:
        identity = enrolled(server, tmp_path, [])
        order = SigningFleet().order(configuration(), enrol_url=server.url, fleet_ca_pem=server.authority.pem)
        before = identity.certificate_path.read_bytes()
        assert asyncio.run(renew_once(order, identity, new_key=False)) == (Outcome.ENROLLED, None)
        assert identity.certificate_path.read_bytes() != before
        validity = identity.validity_us()
        assert validity is not None

        async def until_renewed() -> Outcome:
            outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
            clock = VirtualClock(now_us=0, wall_us=validity[1] + 1)
            task = asyncio.create_task(
                keep_renewed(
                    order, identity, clock=clock, renewed=lambda outcome, _: outcomes.put_nowait(outcome)
                )
            )
            outcome = await outcomes.get()
            task.cancel()
            return outcome

        assert asyncio.run(until_renewed()) is Outcome.ENROLLED


def test_bad_addresses_are_named() -> None:
    with pytest.raises(BadUrl, match="unusable address"):
        post("ftp://x", "/", b"", ca_pem="")
    assert refusal_in(b"\xff") == ("", "")
    assert refusal_in(b'"no"') == ("", "no")


def test_a_transfer_is_bounded_and_timed_without_the_connection() -> None:
    clock = iter(range(0, 10_000_000, 500_000)).__next__
    with EnrolmentServer(Authority(), TOKEN).serving() as server:
        path = "/api/v1/speed?bytes=100000"
        down = download(server.url, path, ca_pem="", limit_bytes=60_000, now_us=clock)
        assert (down.status, down.count, down.kbit_per_s) == (200, 60_000, 960)
        up = upload(server.url, "/api/v1/speed", ca_pem="", count=50_000, now_us=clock)
        assert (up.status, up.count, up.kbit_per_s, server.uploaded) == (200, 50_000, 800, 50_000)
        assert download(server.url, "/none", ca_pem="", limit_bytes=1000, now_us=clock).status == 404


def test_over_https_the_fleet_s_own_authority_is_believed_and_no_other(tmp_path: Path) -> None:
    authority = Authority()
    authority.server(tmp_path)
    with EnrolmentServer(authority, TOKEN).serving(tls_folder=tmp_path) as server:
        assert enrolled(server, tmp_path, []).enrolled
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            post(server.url, "/api/v1/enrolments", b"{}", ca_pem=Authority().pem)


def test_a_server_that_speaks_no_http_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_greet, args=(listening,), daemon=True).start()
        with pytest.raises(NoHttp) as refused:
            post(f"http://127.0.0.1:{listening.getsockname()[1]}", "/", b"{}", ca_pem="")
    assert refused.value.why.code == reasons.system.no_http(detail="").code
    assert "SSH-2.0" in str(refused.value)


def _greet(listening: socket.socket) -> None:
    line, _ = listening.accept()
    with line:
        line.recv(4096)
        line.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
