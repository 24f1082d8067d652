"""TLS settings from the credentials that CUPS handed out."""

import os
import ssl

from agent.connectors.basics_station.cups import Credentials


def credentials_context(credentials: Credentials) -> ssl.SSLContext:
    """Return a context from credentials in memory; the key touches no disk.

    Raises:
        OSError: a certificate or key that OpenSSL does not take.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=credentials.trust)
    if credentials.certificate:
        descriptor = os.memfd_create("credentials", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, pem_of(credentials))
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    return context


def pem_of(credentials: Credentials) -> bytes:
    """Return certificate and key as PEM.

    Raises:
        ssl.SSLError: a key of no kind that we know.
    """
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_der_private_key(credentials.key, None)
    except (ValueError, TypeError) as error:
        raise ssl.SSLError(f"key: {error}") from error
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ssl.DER_cert_to_PEM_cert(credentials.certificate).encode() + text
