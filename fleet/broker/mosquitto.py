"""The configuration of Mosquitto 2: mutual TLS, the certificate's name as user name, rights by topic.

Sources: mosquitto.conf(5) of Debian's 2.0.11.  ``max_queued_messages``: the default of 1,000 drops messages
to our own persistent session as soon as 1,615 gateways return at once (peers: 1,615 wills in 0.18 s).
"""

import getpass
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from agent.wire.messages import MESSAGE_LIMIT_BYTES
from agent.wire.topics import GATEWAY_READS, GATEWAY_WRITES, PREFIX

FLEET_NAME = "fleet"
"""Common name of our own client certificate."""
OWN_SESSION = "use_username_as_clientid true"
"""A session has its certificate's name: nobody takes over that of another gateway, or of the fleet."""
MAX_QUEUED_MESSAGES = 500_000
"""Held while the fleet restarts: 12 min of 20,000 gateways; beyond, heartbeats are lost and show as gaps."""
MAX_INFLIGHT_MESSAGES = 1_000
PACKET_LIMIT_BYTES = 512 * 1024
"""Above the signed configuration's 256 KiB; ingest bounds what gateways send again."""
KEEPALIVE_MAX_S = 60
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2, in OpenSSL's words: forward secrecy and authenticated encryption, no CBC (RFC 9325 §4.2)."""

assert PACKET_LIMIT_BYTES > MESSAGE_LIMIT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFiles:
    """Where everything of the broker lies."""

    folder: Path
    keys: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "mosquitto.conf"

    @property
    def data(self) -> Path:
        """Where the broker keeps its store."""
        return self.folder / "data"

    @property
    def acl(self) -> Path:
        return self.folder / "acl"

    @property
    def pid(self) -> Path:
        return self.folder / "mosquitto.pid"

    @property
    def revoked(self) -> Path:
        return self.folder / "revoked.crl"


def render_configuration(files: BrokerFiles, *, host: str, port: int) -> str:
    """Return mosquitto.conf: one TLS listener, nobody without a certificate of our authority."""
    listener = f"listener {port} 127.0.0.1" if _is_loopback(host) else f"listener {port}"
    lines = (
        "# Written by `passerelle fleet init`.",
        "per_listener_settings false",
        listener,
        f"cafile {files.keys / 'ca.pem'}",
        f"certfile {files.keys / 'broker.pem'}",
        f"keyfile {files.keys / 'broker.key'}",
        f"crlfile {files.revoked}",
        "require_certificate true",
        "use_identity_as_username true",
        OWN_SESSION,
        "allow_anonymous false",
        "tls_version tlsv1.2",
        f"ciphers {CIPHERS}",
        f"acl_file {files.acl}",
        f"pid_file {files.pid}",
        f"user {getpass.getuser()}",
        "persistence true",
        f"persistence_location {files.data}/",
        "autosave_interval 30",
        f"max_queued_messages {MAX_QUEUED_MESSAGES}",
        f"max_inflight_messages {MAX_INFLIGHT_MESSAGES}",
        "queue_qos0_messages false",
        f"max_packet_size {PACKET_LIMIT_BYTES}",
        f"max_keepalive {KEEPALIVE_MAX_S}",
        "set_tcp_nodelay true",
        "sys_interval 10",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "connection_messages true",
    )
    return "\n".join(lines) + "\n"


def let_one_speak_for_many(configuration: Path) -> None:
    """Let one certificate have several sessions: for twins and benches, never for a fleet in service."""
    configuration.write_text(configuration.read_text().replace(f"{OWN_SESSION}\n", ""))


def render_acl(revoked: tuple[str, ...] = ()) -> str:
    """Return the rights: the fleet everything of ours, a gateway its own topics only (``%u`` is its EUI)."""
    lines = ["# Written by `passerelle fleet`: a reload (SIGHUP) applies it to open sessions too."]
    for eui in revoked:
        lines += [f"user {eui}", f"topic deny {PREFIX}/{eui}/#", ""]
    lines += [f"user {FLEET_NAME}", f"topic readwrite {PREFIX}/#", "topic read $SYS/#"]
    lines += ["", *(f"pattern write {PREFIX}/%u/{leaf}" for leaf in GATEWAY_WRITES)]
    lines += [f"pattern read {PREFIX}/%u/{leaf}" for leaf in GATEWAY_READS]
    return "\n".join(lines) + "\n"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
