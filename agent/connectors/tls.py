"""TLS settings of a connector from the files that its configuration names."""

import errno
import os
import ssl
from pathlib import Path
from typing import Protocol

from agent.failures import reason_of
from agent.wire import reasons
from agent.wire.reasons import ReasonedError

SECRET_LIMIT_BYTES = 4096


class TlsFiles(Protocol):
    """The settings that name files; empty where there is none."""

    @property
    def ca_file(self) -> str: ...

    @property
    def certificate_file(self) -> str: ...

    @property
    def key_file(self) -> str: ...


def servers_of_others(ca_file: str = "") -> ssl.SSLContext:
    """Return a context that checks a server by a file of authorities, or by those of the machine.

    Python 3.13 began to refuse a certificate without the identifiers of RFC 5280, 4.2.1.1 and 4.2.1.2.
    Private authorities make such, and no newer Debian may cut a gateway off: what 3.11 takes is taken.
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def tls_context(files: TlsFiles, *, pem: str = "") -> ssl.SSLContext:
    """Return a context that checks the server and, where configured, proves who we are; ``pem``: by what.

    Raises:
        FileUnusable: a file that is missing or wrong.
    """
    try:
        context = servers_of_others(files.ca_file)
    except OSError as error:
        raise FileUnusable(files.ca_file, error) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if pem:
        _load_pem(context, pem)
    elif files.certificate_file:
        try:
            context.load_cert_chain(files.certificate_file, files.key_file)
        except OSError as error:
            raise FileUnusable(f"{files.certificate_file}, {files.key_file}", error) from error
    return context


def _load_pem(context: ssl.SSLContext, pem: str) -> None:
    """Load certificate and key that the configuration itself holds: they are on no disk but its own."""
    memory = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(memory, pem.encode())
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    except OSError as error:
        raise FileUnusable("certificate_pem, key_pem", error) from error
    finally:
        os.close(memory)


class FileUnusable(ReasonedError, OSError):
    """A file that a connector's configuration names and that nothing can be done with."""

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(reasons.lns.file_unusable(path=path, cause=reason_of(error)))


def secret_line(path: str) -> str:
    """Return the one line of a file that holds a secret.

    Raises:
        FileUnusable: absent, not readable, or not one line of text.
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(SECRET_LIMIT_BYTES).decode().strip()
        if not text or "\n" in text:
            raise OSError(errno.EINVAL, "not one line")
    except (OSError, UnicodeDecodeError) as error:
        cause = error if isinstance(error, OSError) else OSError(errno.EINVAL, "no text")
        raise FileUnusable(path, cause) from error
    return text
