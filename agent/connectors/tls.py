"""TLS settings of a connector, from the files that its configuration names."""

import ssl

from agent.wire.configuration import ConnectorConfig


def tls_context(config: ConnectorConfig) -> ssl.SSLContext:
    """Return a context that checks the server and, where configured, proves who we are.

    Raises:
        OSError: a file that is missing or wrong.
    """
    context = ssl.create_default_context(cafile=config.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.certificate_file:
        context.load_cert_chain(config.certificate_file, config.key_file)
    return context
