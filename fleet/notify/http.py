"""One HTTP request of a channel, with its failures sorted: try again, or never."""

import ssl
from functools import cache
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from fleet.notify.model import NotSent
from fleet.tls import servers_of_others

TIMEOUT_S = 10.0
"""For connecting and for each part of the answer."""

QUICK_ATTEMPTS_LIMIT = 2
"""At once, when the connection was refused; later attempts are the outbox's."""

QUICK_WAIT_S = 0.2
ANSWER_LIMIT_CHARACTERS = 300

FINAL = frozenset({400, 404, 405, 410, 413, 415, 422})
"""Answers that say the request itself is wrong; 401 and 403 can be mended by whoever holds the keys."""


def request(client: httpx.Client, method: str, url: str, **values: Any) -> httpx.Response:
    """Return the answer of a request that succeeded.

    Raises:
        NotSent: no answer, or one that is not 2xx.
    """
    again = Retrying(
        stop=stop_after_attempt(QUICK_ATTEMPTS_LIMIT),
        wait=wait_exponential(multiplier=QUICK_WAIT_S),
        retry=retry_if_exception_type(httpx.ConnectError),
        reraise=True,
    )
    host = httpx.URL(url).host
    try:
        answer: httpx.Response = again(client.request, method, url, **values)
    except httpx.HTTPError as error:
        raise NotSent(f"{host}: {error or type(error).__name__}") from error
    if answer.is_success:
        return answer
    words = answer.text[:ANSWER_LIMIT_CHARACTERS]
    raise NotSent(f"{host}: {answer.status_code} {words}", final=answer.status_code in FINAL)


def client() -> httpx.Client:
    """Return a client with our time-outs; a redirect is a setting to mend, not to follow."""
    return httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, verify=_authorities())


@cache
def _authorities() -> ssl.SSLContext:
    """Return the machine's certificate authorities, read once: it takes longer than a request."""
    return servers_of_others()
