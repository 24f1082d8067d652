"""Servers of others: certificates without key identifiers are taken under every Python, foreign ones not."""

import ssl

import pytest

from agent.connectors import tls
from fleet import tls as fleet_tls
from tests.datapath.certificates import Issued, issue

CONTEXTS = {"gateway": tls.servers_of_others, "fleet": fleet_tls.servers_of_others}


def shake_hands(context: ssl.SSLContext, server: Issued) -> None:
    """Do a whole handshake without a line."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(server.certificate_file, server.key_file)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(back, there, server_hostname="localhost")
    other = theirs.wrap_bio(there, back, server_side=True)
    for side in (client, other, client, other):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize("name", CONTEXTS)
def test_a_private_authority_is_trusted(name, tmp_path):
    authority = issue(tmp_path, "authority")
    server = issue(tmp_path, "server", authority)
    context = CONTEXTS[name]()
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, server)
    context = CONTEXTS[name]()
    context.load_verify_locations(authority.certificate_file)
    shake_hands(context, server)
