"""One question to CUPS over HTTP, bounded in time and size; and the credentials that files hold."""

import asyncio
import ssl
from pathlib import Path
from typing import Protocol

from agent.connectors.basics_station.cups import (
    ANSWER_LIMIT_BYTES,
    TOKEN_LIMIT_BYTES,
    Credentials,
    CupsError,
    authorization_of,
)
from agent.connectors.tls import TlsFiles

ANSWER_WAIT_S = 60.0
"""As the reference's CUPS_CONN_TIMEOUT."""


class CupsRefused(Exception):
    """The server is there and would not answer; the text says why."""


class AccessFiles(TlsFiles, Protocol):
    """As for TLS, and a token."""

    @property
    def token_file(self) -> str: ...


async def post(uri: str, body: bytes, *, context: ssl.SSLContext | None, token: str) -> bytes:
    """Return the answer, as far as it is looked at.

    Raises:
        OSError, TimeoutError: no way there; CupsRefused: no good answer.
    """
    import httpx

    headers = {"Content-Type": "application/json"} | ({"Authorization": token} if token else {})
    verify: ssl.SSLContext | bool = context if context is not None else True
    content = bytearray()
    try:
        async with (
            asyncio.timeout(ANSWER_WAIT_S),
            httpx.AsyncClient(verify=verify, trust_env=False, timeout=ANSWER_WAIT_S) as client,
            client.stream("POST", uri.rstrip("/") + "/update-info", content=body, headers=headers) as answer,
        ):
            if answer.status_code != 200:
                raise CupsRefused(f"HTTP {answer.status_code} {answer.reason_phrase}".strip())
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) >= ANSWER_LIMIT_BYTES:
                    break
    except httpx.TransportError as error:
        raise OSError(str(error) or type(error).__name__) from error
    except (httpx.InvalidURL, httpx.HTTPError) as error:
        raise CupsRefused(str(error)) from error
    return bytes(content[:ANSWER_LIMIT_BYTES])


def token_of(files: AccessFiles) -> str:
    """Return the value of the Authorization header; empty without a token.

    Raises:
        OSError: the file cannot be read, or holds no token.
    """
    if not files.token_file:
        return ""
    with Path(files.token_file).open("rb") as file:
        content = file.read(2 * TOKEN_LIMIT_BYTES)
    try:
        return authorization_of(content)
    except CupsError as error:
        raise OSError(f"{files.token_file}: {error}") from error


def credentials_of(files: AccessFiles) -> Credentials:
    """Return what files hold as CUPS would hand it out, for its CRC.

    Raises:
        OSError: a file that is missing or holds no PEM.
    """
    return Credentials(
        trust=_der(files.ca_file),
        certificate=_der(files.certificate_file),
        key=_key_der(files.key_file),
        token=token_of(files),
    )


def _der(path: str) -> bytes:
    if not path:
        return b""
    try:
        return ssl.PEM_cert_to_DER_cert(_first(Path(path).read_text(encoding="ascii", errors="replace")))
    except ValueError as error:
        raise OSError(f"{path}: {error}") from error


def _first(pem: str) -> str:
    """Return the first certificate of a file that may hold several."""
    begin, end = pem.find(ssl.PEM_HEADER), pem.find(ssl.PEM_FOOTER)
    return pem[max(begin, 0) : end + len(ssl.PEM_FOOTER)]


def _key_der(path: str) -> bytes:
    from cryptography.hazmat.primitives import serialization

    if not path:
        return b""
    try:
        key = serialization.load_pem_private_key(Path(path).read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise OSError(f"{path}: {error}") from error
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
