"""How the certificate of a server that is not ours is judged: SMTP, HTTPS, the network server's broker."""

import ssl


def servers_of_others() -> ssl.SSLContext:
    """Return a context with the machine's authorities.

    Python 3.13 began to refuse a certificate without the identifiers of RFC 5280, 4.2.1.1 and 4.2.1.2.
    Private authorities make such, and no newer Debian may silence our messages: what 3.11 takes is taken.
    """
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
