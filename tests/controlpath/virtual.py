"""Virtual parts around the control path: a clock, a data path, a fleet that signs, a broker on loopback."""

import asyncio
import datetime as dt
import socket
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from agent.connectors.ports import Outcome
from agent.downlink.model import Code, Downlink, DownlinkVerdict
from agent.evidence.ears import ReceivedTestFrame
from agent.fleet_key import FleetKey
from agent.gnss.receiver import GnssState
from agent.observation import ConnectorState, DataPathState
from agent.status.status import ConnectorStatus, Status
from agent.timing.choice import Reading
from agent.timing.utc import LEAP_SECONDS
from agent.wire import reasons
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig, encode_configuration
from agent.wire.envelope import Envelope, EnvelopeKind, encode_envelope, seal
from agent.wire.messages import Radio, TimeQuality
from agent.wire.neighbours import NeighbourDeliveries
from agent.wire.order import WorkOrder
from agent.wire.reasons import Reason
from demo.ports import free_port
from fleet.identity.roots import key_usage
from hal.errors import LineFailed

SERVER_ADDRESSES = ("127.0.0.1", "127.0.0.2", "10.77.0.1")
SERVER_NAMES = ("localhost", "flotte.test")
EUI = "0016c001f12a3b4c"
FAR_AT_US = 4_000_000_000_000_000


@dataclass
class VirtualReleases:
    """The releases of a gateway in memory; ``kept`` counts confirmations."""

    running: str = ""
    names: frozenset[str] = frozenset({""})
    kept: int = 0

    def here(self) -> frozenset[str]:
        return self.names

    def confirmed(self) -> None:
        self.kept += 1


@dataclass
class VirtualClock:
    """Time that the test moves."""

    now_us: int = 1_000_000
    wall_us: int = 1_790_000_000_000_000
    trusted: TimeQuality = TimeQuality.NTP

    def monotonic_us(self) -> int:
        return self.now_us

    def utc_us(self) -> int:
        return self.wall_us + self.now_us

    def quality(self) -> TimeQuality:
        return self.trusted

    def trust(self, quality: TimeQuality) -> None:
        self.trusted = quality

    def leap_s(self) -> int:
        return LEAP_SECONDS

    def accept(self, reading: Reading) -> None:
        self.trusted, self.wall_us = reading.quality, reading.utc_minus_monotonic_us

    def advance(self, seconds: float) -> None:
        self.now_us += round(seconds * 1_000_000)


def configuration(**changes: object) -> Configuration:
    """A good configuration; ``changes`` replace fields."""
    base: dict[str, object] = {
        "connectors": (ConnectorConfig(name="lns", host="127.0.0.1", port=1700, contractual=True),),
        "fleet": FleetConfig(host="127.0.0.1", port=1883, tls=False),
    }
    return Configuration(**(base | changes))  # type: ignore[arg-type]


@dataclass
class SigningFleet:
    """The fleet's key and what it signs."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    device: str = EUI

    @property
    def public(self) -> FleetKey:
        return FleetKey(bytes.fromhex(self.public_hex))

    @property
    def public_hex(self) -> str:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def envelope(
        self,
        kind: EnvelopeKind,
        version: int,
        payload: bytes,
        *,
        device: str = "",
        retry: bool = False,
        expires_at_us: int = FAR_AT_US,
        issued_at_us: int = 0,
    ) -> bytes:
        unsigned = Envelope(
            kind, device or self.device, version, issued_at_us, expires_at_us, retry, payload, b""
        )
        return encode_envelope(seal(unsigned, self.key))

    def configuration(self, version: int, content: Configuration, **more: object) -> bytes:
        return self.envelope(EnvelopeKind.CONFIGURATION, version, encode_configuration(content), **more)  # type: ignore[arg-type]

    def confirmation(self, version: int, sha256: str) -> bytes:
        return self.envelope(EnvelopeKind.CONFIRMATION, version, sha256.encode())

    def order(self, content: Configuration, **changes: object) -> WorkOrder:
        base: dict[str, object] = {
            "eui": self.device,
            "site": "Mairie de Vouvray",
            "enrol_url": "http://127.0.0.1:9",
            "token": "t" * 43,
            "valid_until_us": FAR_AT_US,
            "fleet_ca_pem": "-",
            "fleet_public_key": self.public_hex,
            "configuration": self.configuration(1, content),
            "bus": "socket:/nowhere",
        }
        return WorkOrder(**(base | changes))  # type: ignore[arg-type]


def status(**changes: object) -> Status:
    """Facts of a gateway that serves; ``changes`` replace fields."""
    base: dict[str, object] = {
        "eui": "0016c001f12a3b4c",
        "site": "Mairie de Vouvray",
        "version": "0.1.0",
        "uptime_ms": 90_061_000,
        "radio": "RECEIVING",
        "radio_reason": reasons.radio.started(eui="0016c001f12a3b4c"),
        "connectors": (
            ConnectorStatus(name="lns", up=True, reason=reasons.lns.answers(), queued=0, answer_age_ms=2_000),
        ),
        "spool_records": 0,
        "spool_accepting": True,
        "received": 12_345,
        "delivered": 12_345,
        "dropped": 0,
        "transmitted": 1,
        "enrolment": "enrolled",
        "enrolment_reason": None,
        "certificate_expires_at_us": 1_790_000_000_000_000,
        "link_online": True,
        "link_reason": None,
        "link_host": "broker:8883",
        "config_version": 3,
        "config_state": "CONFIRMED",
        "config_reason": None,
        "journal_pending": 0,
        "time_quality": 1,
        "vitals": {"cpu_percent": 3, "temperature_c": None},
    }
    return Status(**(base | changes))  # type: ignore[arg-type]


class VirtualDataPath:
    """A data path that hears nothing and does what it is told."""

    def __init__(self, content: Configuration) -> None:
        self.applied = [content]
        self.radio = Radio.RECEIVING
        self.connector_up = True
        self.refuse = False
        self.restarts: list[Reason] = []
        self.slow = False
        self.neighbours: list[NeighbourDeliveries] = []

    def restart_radio(self, why: Reason) -> None:
        self.restarts.append(why)

    def neighbours_delivered(self, word: NeighbourDeliveries) -> None:
        self.neighbours.append(word)

    def slow_backlog(self, slow: bool) -> None:
        self.slow = slow

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None]) -> DownlinkVerdict:
        return DownlinkVerdict(code=Code.INTERNAL, reason=reasons.radio.off())

    async def listen(self, nonce: str, limit_s: float) -> tuple[ReceivedTestFrame, ...]:
        return ()

    def gnss(self) -> GnssState | None:
        return None

    def noise_measured(self, frequency_hz: int, floor_dbm: float) -> None:
        return None

    def on_radio(self, job: Callable[[Any], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_exception(LineFailed("virtual", where="concentrator"))
        return future

    async def run(self) -> None:
        await asyncio.Event().wait()

    def snapshot(self) -> DataPathState:
        connectors = tuple(
            ConnectorState(
                name=one.name,
                contractual=one.contractual,
                up=self.connector_up,
                reason=reasons.lns.answers(),
                last_answer_us=0,
                queued=0,
            )
            for one in self.applied[-1].connectors
        )
        return DataPathState(
            radio=self.radio,
            radio_reason=reasons.radio.started(eui="0016c001f12a3b4c"),
            radio_since_us=0,
            connectors=connectors,
            spool_records=0,
            spool_accepting=True,
        )

    async def reconfigure(self, content: Configuration) -> None:
        if self.refuse:
            self.refuse = False
            raise ValueError("the radio refuses")
        self.applied.append(content)


class Broker:
    """A real Mosquitto on loopback; use as a context."""

    def __init__(self, folder: Path, *, extra: str = "", port: int = 0, bind: str = "127.0.0.1") -> None:
        self.port = port or free_port()
        self._path = folder / "mosquitto.conf"
        self._path.write_text(f"listener {self.port} {bind}\n{extra or 'allow_anonymous true'}\n")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Broker":
        self.start()
        return self

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["/usr/sbin/mosquitto", "-c", str(self._path)],
            cwd=self._path.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                raise RuntimeError("mosquitto did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def __exit__(self, *_: object) -> None:
        self.stop()


class Authority:
    """A small CA for tests: signs gateways' requests and the broker's certificate."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        self.certificate = (
            self._builder(name, name, self.key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(key_usage(signs_certificates=True), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @staticmethod
    def _builder(
        subject: x509.Name,
        issuer: x509.Name,
        public: ec.EllipticCurvePublicKey,
        days: int = 90,
        *,
        age_days: int = 1,
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=age_days))
            .not_valid_after(now + dt.timedelta(days=days))
        )

    def sign(self, csr_pem: str, *, days: int = 90) -> str:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        public = csr.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        builder = self._builder(csr.subject, self.certificate.subject, public, days)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def expired(self, key_pem: bytes, name: str) -> str:
        """Return a certificate for this key that ended yesterday."""
        key = load_pem_private_key(key_pem, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, self.certificate.subject, key.public_key(), -1, age_days=90)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def revocations(self, serials: Sequence[int]) -> bytes:
        """Return the list of revoked certificates, PEM."""
        now = dt.datetime.now(dt.UTC)
        day = dt.timedelta(days=1)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(now - day).next_update(now + 3650 * day)
        for serial in serials:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
            builder = builder.add_revoked_certificate(one)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def server(self, folder: Path) -> str:
        """Write ca.pem, server.pem, server.key; return Mosquitto settings for mTLS."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        names = x509.SubjectAlternativeName(
            [
                *(x509.DNSName(one) for one in SERVER_NAMES),
                *(x509.IPAddress(ip_address(one)) for one in SERVER_ADDRESSES),
            ]
        )
        certificate = (
            self._builder(name, self.certificate.subject, key.public_key())
            .add_extension(names, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )
        (folder / "ca.pem").write_text(self.pem)
        (folder / "server.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / "server.key").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return (
            f"cafile {folder}/ca.pem\ncertfile {folder}/server.pem\nkeyfile {folder}/server.key\n"
            "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\nuser root\n"
        )
