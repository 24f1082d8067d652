"""Debian's Mosquitto as a network operator runs it: mutual TLS, and an ACL by the certificate's name."""

import ssl
from pathlib import Path

from agent.connectors.tls import servers_of_others

MOSQUITTO = "/usr/sbin/mosquitto"
SETTINGS = """
listener {port} 127.0.0.1
cafile {folder}/authority.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
require_certificate true
use_identity_as_username true
acl_file {folder}/acl
max_queued_messages 100000
user root
"""
ACL = """
user lns
topic read eu868/gateway/+/event/+
topic write eu868/gateway/+/command/+

pattern write eu868/gateway/%u/event/+
pattern write eu868/gateway/%u/state/conn
pattern read eu868/gateway/%u/command/+
"""


def settings(folder: Path, port: int) -> Path:
    """Write settings and ACL; the certificates of ``authority`` and ``server`` are in the folder."""
    (folder / "acl").write_text(ACL)
    (folder / "acl").chmod(0o600)
    path = folder / "mosquitto.conf"
    path.write_text(SETTINGS.format(port=port, folder=folder))
    return path


def client_tls(folder: Path, name: str) -> ssl.SSLContext:
    """Return what a client with the certificate ``name`` connects with."""
    context = servers_of_others(str(folder / "authority.pem"))
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context
