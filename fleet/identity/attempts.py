"""Failed logins: how long the next try waits.  ``wait_us`` is pure; ``Attempts`` is what is remembered.

Every try is counted three times: for the name from that address, for the name from everywhere, for the
address under every name.  A browser that this name logged in with before is *known* (a signed cookie): it is
counted by itself, so that nobody elsewhere can make it wait.

    browser   failures of the name everywhere   failures of the address   first wait after      then
    known     any                               any                       5 failures of its own  doubled
    other     below ``NAME_WATCH``              below ``ADDRESS_WATCH``   5 of name and address  doubled
    other     at least ``NAME_WATCH``           below ``ADDRESS_WATCH``   1 of name and address  doubled
    other     any                               at least ``ADDRESS_WATCH``  at once              doubled

The waits are ``WAITS_US``, from the newest failure on; an hour without one forgets them.  The first try of a
name from an address never waits for what was done to that name elsewhere: nobody locks its owner out, and a
guesser with many addresses has one try from each.

Sources: OWASP "Authentication Cheat Sheet" (throttle by account and by address) and "Slow Down Online
Guessing Attacks with Device Cookies".
"""

import ipaddress
import threading
from dataclasses import dataclass
from enum import StrEnum

from fleet.durations import HOUR_US, SECOND_US

FREE_TRIES = 5
"""Failures of a name from an address, or of a known browser, that cost no wait."""
NAME_WATCH = 20
"""Failures of a name from everywhere, beyond which a new address has one free try."""
ADDRESS_WATCH = 50
"""Failures of an address under every name, an office behind one line, beyond which new browsers wait."""
WAITS_US = tuple(seconds * SECOND_US for seconds in (30, 60, 120, 240, 480, 900))
FORGOTTEN_AFTER_US = HOUR_US
KEYS_LIMIT = 10_000
"""Names, addresses and pairs remembered; the one that failed longest ago goes."""
IPV6_PREFIX = 64
"""Bits of an IPv6 address that one customer has: the rest is free to choose."""


class Tried(StrEnum):
    """What a wait counts."""

    BROWSER = "browser"
    PAIR = "pair"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Failed tries under one key."""

    count: int = 0
    last_us: int = 0
    earlier_us: int = 0
    """The newest but one: what a try that is counted no longer leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """All that one try is judged by."""

    known: bool
    """The browser proved that this name logged in with it."""
    own: Failures = Failures()
    """What the known browser failed, else the name from this address."""
    name: Failures = Failures()
    address: Failures = Failures()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginTry:
    """Who tries to log in, from where."""

    name: str
    address: str
    browser: str = ""
    """What the known browser's cookie names it; empty: not known."""

    @property
    def own(self) -> str:
        """The key that nobody else shares."""
        return f"browser {self.browser} {self.name}" if self.browser else f"pair {self.line} {self.name}"

    @property
    def line(self) -> str:
        """The address, or of IPv6 what a customer cannot choose.

        >>> LoginTry(name="anne", address="2001:db8:1:2:3:4:5:6").line
        '2001:db8:1:2::/64'
        """
        try:
            found = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        if found.version == 4:
            return str(found)
        return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long a try waits, and what for."""

    wait_us: int
    counted: Tried


def wait_for(tally: Tally, now_us: int) -> Wait:
    """Return how long the next try waits; 0: it may come now."""
    free = FREE_TRIES if tally.known or tally.name.count < NAME_WATCH else 1
    counted = Tried.BROWSER if tally.known else Tried.PAIR
    own = Wait(wait_us=_left_us(tally.own, free, now_us), counted=counted)
    if tally.known:
        return own
    address = Wait(wait_us=_left_us(tally.address, ADDRESS_WATCH, now_us), counted=Tried.ADDRESS)
    return max(own, address, key=lambda each: each.wait_us)


def _left_us(failures: Failures, free: int, now_us: int) -> int:
    if failures.count < free:
        return 0
    span_us = WAITS_US[min(failures.count - free, len(WAITS_US) - 1)]
    return max(0, failures.last_us + span_us - now_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What a try gets: 0 to wait, or a wait; ``begins`` is True for the first that this wait refuses."""

    wait: Wait
    begins: bool = False


class Attempts:
    """The failed logins that one process remembers; times are those of its monotonic clock."""

    def __init__(self, keys: int = KEYS_LIMIT) -> None:
        self._keys = keys
        self._failures: dict[str, Failures] = {}
        self._refused: dict[str, Failures] = {}
        """Key → the failures for which a refusal was begun."""
        self._lock = threading.Lock()
        self.refused = 0

    def admit(self, attempt: LoginTry, monotonic_us: int) -> Admission:
        """Return whether a try may come now; it counts as failed from here on, until it succeeds."""
        with self._lock:
            wait = wait_for(self._tally(attempt, monotonic_us), monotonic_us)
            if wait.wait_us == 0:
                for key in _keys_of(attempt):
                    self._add(key, monotonic_us)
                return Admission(wait=wait)
            self.refused += 1
            key = attempt.own if wait.counted is not Tried.ADDRESS else _address_key(attempt)
            begins = self._refused.get(key) != self._failures.get(key)
            self._refused[key] = self._of(key, monotonic_us)
            self._bound(self._refused)
            return Admission(wait=wait, begins=begins)

    def give_back(self, attempt: LoginTry, monotonic_us: int) -> None:
        """Count the try no longer: it was not judged, because too many others were under way."""
        with self._lock:
            for key in _keys_of(attempt):
                self._less(key, monotonic_us)

    def succeeded(self, attempt: LoginTry, monotonic_us: int) -> None:
        """Forget the failures of who proved who it is, and count this try as none."""
        with self._lock:
            self._failures.pop(attempt.own, None)
            for key in _keys_of(attempt)[1:]:
                self._less(key, monotonic_us)

    def _tally(self, attempt: LoginTry, now_us: int) -> Tally:
        own, name, address = (self._of(key, now_us) for key in _keys_of(attempt))
        return Tally(known=bool(attempt.browser), own=own, name=name, address=address)

    def _of(self, key: str, now_us: int) -> Failures:
        found = self._failures.get(key, Failures())
        return found if found.last_us + FORGOTTEN_AFTER_US > now_us else Failures()

    def _add(self, key: str, now_us: int) -> None:
        found = self._of(key, now_us)
        self._failures.pop(key, None)
        self._failures[key] = Failures(count=found.count + 1, last_us=now_us, earlier_us=found.last_us)
        self._bound(self._failures)

    def _less(self, key: str, now_us: int) -> None:
        found = self._of(key, now_us)
        if found.count > 1:
            earlier_us = found.earlier_us
            self._failures[key] = Failures(count=found.count - 1, last_us=earlier_us, earlier_us=earlier_us)
        else:
            self._failures.pop(key, None)

    def _bound(self, kept: dict[str, Failures]) -> None:
        while len(kept) > self._keys:
            del kept[next(iter(kept))]


def _keys_of(attempt: LoginTry) -> tuple[str, str, str]:
    return attempt.own, f"name {attempt.name}", _address_key(attempt)


def _address_key(attempt: LoginTry) -> str:
    return f"address {attempt.line}"
