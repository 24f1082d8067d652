"""What a request from a phone is worth: whose session it is, and what its form says; pure.

The order's code opens a session; wrong codes wait ever longer.  Forms are of both kinds that HTML knows.

Sources: WHATWG HTML §4.10.21 (form submission), RFC 7578 (multipart/form-data), RFC 2046 §5.1.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

FREE_TRIES = 5
FIRST_WAIT_US = 30_000_000
LONGEST_WAIT_US = 900_000_000
SESSION_US = 4 * 3_600_000_000
SESSIONS_LIMIT = 4
"""Phones and laptops at once; the oldest session ends."""


@dataclass(slots=True)
class Door:
    """Tries and sessions of one gateway; ``key`` of a session is the caller's random."""

    code: str
    wrong: int = 0
    """Wrong codes since the last right one, whoever typed them: a phone has no name here."""
    waits_until_us: int = 0
    _sessions: dict[str, int] = field(default_factory=dict)

    def wait_us(self, now_us: int) -> int:
        """Return how long nobody may try; 0: try."""
        return max(0, self.waits_until_us - now_us)

    def try_code(self, typed: str, key: str, now_us: int) -> bool:
        """Return whether the code is right; then ``key`` is a session."""
        if self.wait_us(now_us):
            return False
        digits = "".join(sign for sign in typed if sign.isascii() and sign.isdigit())
        if self.code and hmac.compare_digest(digits, self.code):
            self.wrong = 0
            while len(self._sessions) >= SESSIONS_LIMIT:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[key] = now_us + SESSION_US
            return True
        self.wrong += 1
        if self.wrong >= FREE_TRIES:
            doubled = FIRST_WAIT_US * 2 ** min(self.wrong - FREE_TRIES, 10)
            self.waits_until_us = now_us + min(doubled, LONGEST_WAIT_US)
        return False

    def is_open(self, key: str, now_us: int) -> bool:
        """Return whether ``key`` is a session in time."""
        return self._sessions.get(key, 0) > now_us


FIELDS_LIMIT = 16


@dataclass(frozen=True, slots=True)
class Form:
    """Fields and files by name, the first of each."""

    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def form_of(content_type: str, body: bytes) -> Form:
    """Return what a body holds; one that is no form is an empty one."""
    if content_type.startswith("multipart/form-data"):
        return _multipart(content_type, body)
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_LIMIT)
    except ValueError:
        return Form()
    return Form({name: values[0] for name, values in found.items()})


def _multipart(content_type: str, body: bytes) -> Form:
    from email.parser import BytesParser
    from email.policy import HTTP

    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in list(message.iter_parts())[:FIELDS_LIMIT] if message.is_multipart() else []:
        name = str(part.get_param("name", "", header="content-disposition"))
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        if part.get_filename() is not None:
            files.setdefault(name, content)
        else:
            fields.setdefault(name, content.decode("utf-8", "replace"))
    return Form(fields, files)
