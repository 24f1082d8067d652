"""TLS settings of a connector from the files that its configuration names."""

import ssl
from typing import Protocol


class TlsFiles(Protocol):
    """The settings that name files; empty where there is none."""

    @property
    def ca_file(self) -> str: ...

    @property
    def certificate_file(self) -> str: ...

    @property
    def key_file(self) -> str: ...


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a context that checks the server and, where configured, proves who we are.

    Raises:
        OSError: a file that is missing or wrong.
    """
    context = ssl.create_default_context(cafile=files.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.certificate_file:
        context.load_cert_chain(files.certificate_file, files.key_file)
    return context
