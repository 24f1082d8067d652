"""Broker and certificates: killed, restarted, away, frozen; foreign, expired, revoked."""

import os
import signal
import time

from tests.controlpath.rig import Rig
from tests.controlpath.virtual import EUI, Authority
from tests.soak.faults.fault import Act, Fault, any_beat, presence


def restart_broker(number: int, gap_s: float) -> Act:
    """Return an act that ends the broker with a signal and starts it after ``gap_s``."""

    def strike(rig: Rig) -> None:
        process = rig.broker._process
        assert process is not None
        process.send_signal(number)
        process.wait(10)
        time.sleep(gap_s)
        rig.broker.start()

    return strike


def frozen(seconds: float) -> Act:
    """Return an act that stops the broker's process for a while."""

    def strike(rig: Rig) -> None:
        process = rig.broker._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGCONT)

    return strike


def other_authority(names: tuple[str, ...]) -> Act:
    """Return an act: for 10 s the broker shows, or asks for, certificates of another authority."""

    def strike(rig: Rig) -> None:
        kept = {one: (rig.folder / one).read_bytes() for one in ("ca.pem", "server.pem", "server.key")}
        other = rig.folder / "other"
        other.mkdir()
        Authority().server(other)
        for one in names:
            (rig.folder / one).write_bytes((other / one).read_bytes())
        restart_broker(signal.SIGTERM, 0.5)(rig)
        time.sleep(10)
        for one, content in kept.items():
            (rig.folder / one).write_bytes(content)
        restart_broker(signal.SIGTERM, 0.5)(rig)

    return strike


def expired(rig: Rig) -> None:
    """The certificate on the card ended yesterday: the gateway was off for too long."""
    rig.stop()
    path = rig.state / "identity" / "certificate.pem"
    content = path.read_bytes()
    key = content[content.index(b"-----BEGIN PRIVATE KEY-----") :]
    path.write_bytes(rig.authority.expired(key, EUI).encode() + key)
    rig.start()


def revoke(rig: Rig) -> None:
    """As the fleet does it: rights and list are written, the broker reads them again."""
    rig.admit(revoked=True)
    process = rig.broker._process
    assert process is not None
    process.send_signal(signal.SIGHUP)


def admit_again(rig: Rig) -> None:
    """The certificate is admitted again, and the broker begins anew."""
    rig.admit()
    restart_broker(signal.SIGTERM, 0.5)(rig)


BACK = presence(online=True)
FAULTS = (
    Fault(
        name="courtier tué et relancé",
        strike=restart_broker(signal.SIGKILL, 1.0),
        told=BACK,
        hears_meanwhile=True,
    ),
    Fault(
        name="courtier redémarré proprement",
        strike=restart_broker(signal.SIGTERM, 1.0),
        told=BACK,
        hears_meanwhile=True,
    ),
    Fault(
        name="courtier absent 20 s",
        strike=restart_broker(signal.SIGTERM, 20.0),
        told=BACK,
        hears_meanwhile=True,
    ),
    Fault(name="courtier figé 70 s", strike=frozen(70), told=any_beat, hears_meanwhile=True),
    Fault(
        name="certificat du courtier étranger 10 s",
        strike=other_authority(("server.pem", "server.key")),
        told=BACK,
        hears_meanwhile=True,
    ),
    Fault(
        name="certificat de la passerelle refusé 10 s",
        strike=other_authority(("ca.pem",)),
        told=BACK,
        hears_meanwhile=True,
    ),
    Fault(name="certificat expiré pendant une longue extinction", strike=expired, told=BACK),
    Fault(
        name="certificat révoqué en pleine session",
        strike=revoke,
        told=any_beat,
        silent=True,
        heal=admit_again,
        hears_meanwhile=True,
    ),
)
