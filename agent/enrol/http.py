"""One HTTP exchange with the fleet, bounded in time and size; JSON in, status and bytes out."""

import http.client
import ssl
from urllib.parse import urlsplit

import msgspec

ANSWER_LIMIT_BYTES = 64 * 1024
ANSWER_WAIT_S = 20.0


class BadUrl(ValueError):
    """An address that is neither http:// nor https://."""


def _connection(base: str, ca_pem: str) -> tuple[http.client.HTTPConnection, str]:
    url = urlsplit(base)
    if url.hostname is None or url.scheme not in ("http", "https"):
        raise BadUrl(f"enrol_url: {base!r} is neither http:// nor https://")
    path = url.path.rstrip("/")
    if url.scheme == "http":
        return http.client.HTTPConnection(url.hostname, url.port, timeout=ANSWER_WAIT_S), path
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=ca_pem)
    return http.client.HTTPSConnection(url.hostname, url.port, timeout=ANSWER_WAIT_S, context=context), path


def post(base: str, path: str, body: bytes, *, ca_pem: str) -> tuple[int, bytes]:
    """Return (status, answer) of a POST of JSON.

    Raises:
        OSError: the line; http.client.HTTPException: the server; BadUrl: the setting.
    """
    connection, prefix = _connection(base, ca_pem)
    try:
        connection.request("POST", prefix + path, body=body, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(ANSWER_LIMIT_BYTES)
    finally:
        connection.close()


def download(base: str, path: str, *, ca_pem: str, limit_bytes: int) -> tuple[int, int]:
    """Return (status, bytes received) of a GET repeated on one connection up to ``limit_bytes`` of bodies.

    Raises:
        OSError: the line; http.client.HTTPException: the server; BadUrl: the setting.
    """
    connection, prefix = _connection(base, ca_pem)
    try:
        count, status = 0, 200
        while count < limit_bytes and status == 200:
            connection.request("GET", prefix + path)
            answer = connection.getresponse()
            body = answer.read(limit_bytes - count)
            count, status = count + len(body), answer.status
            if not body or not answer.isclosed():
                break
        return status, count
    finally:
        connection.close()


def why(body: bytes) -> tuple[str, str]:
    """Return the word and the sentence in a refusal, as far as it has them.

    >>> why(b'{"detail": {"reason": "used", "detail": "used already"}}')
    ('used', 'used already')
    """
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", ""
    inner = content.get("detail", content) if isinstance(content, dict) else content
    holder = inner if isinstance(inner, dict) else content if isinstance(content, dict) else {}
    sentence = inner if isinstance(inner, str) else holder.get("detail", "")
    return str(holder.get("reason", "")), str(sentence) or msgspec.json.encode(inner).decode()
