"""A gateway whose certificate is revoked while its session is open: the link ends and says why."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_certificate

from agent.identity import Identity
from agent.journal.journal import Journal
from agent.link.mqtt import Link
from agent.wire import reasons
from agent.wire.configuration import FleetConfig
from agent.wire.messages import ConfigReported, ConfigState
from fleet.broker.mosquitto import render_acl
from tests.controlpath.rig import RIGHTS
from tests.controlpath.virtual import EUI, Authority, Broker, VirtualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def until(condition: Callable[[], bool], limit_s: float = 90.0) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.05)


def linked(identity: Identity, folder: Path, port: int) -> Link:
    async def ignore(*_: object) -> None:
        return

    clock = VirtualClock()
    return Link(
        identity=identity,
        boot=5,
        fleet=FleetConfig(host="127.0.0.1", port=port),
        outbox=Journal(folder / "journal", boot=5, clock=clock).outbox,
        clock=clock,
        desired=ignore,
        command=ignore,
        neighbours=lambda _: None,
        reported=lambda: ConfigReported(1, "", ConfigState.CONFIRMED, 1, b""),
    )


async def test_a_revoked_gateway_s_link_is_cut_and_says_so(tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "acl").write_text(render_acl())
    (tmp_path / "revoked.pem").write_bytes(authority.revocations([]))
    identity = Identity(tmp_path / "identity", eui=EUI)
    certificate = authority.sign(identity.csr_pem())
    identity.accept(certificate, authority.pem)
    with Broker(tmp_path, extra=authority.server(tmp_path) + RIGHTS) as broker:
        link = linked(identity, tmp_path, broker.port)
        link.rights.every_s = link.rights.wait_s = 1.0
        task = asyncio.create_task(link.run())
        await until(lambda: link.online)
        await asyncio.sleep(2.5)
        assert (link.online, link.counts.sessions) == (True, 1)
        (tmp_path / "acl").write_text(render_acl((EUI,)))
        (tmp_path / "revoked.pem").write_bytes(
            authority.revocations([load_pem_x509_certificate(certificate.encode()).serial_number])
        )
        assert broker._process is not None
        broker._process.send_signal(signal.SIGHUP)
        await until(lambda: link.reason == reasons.system.certificate_revoked())
        assert not link.online
        assert link.lost_since_us is None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
