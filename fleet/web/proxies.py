"""The reverse proxy before us: whose forwarded headers are believed, and what is wrong with how it forwards.

    peer in ``proxies``?  X-Forwarded-For  X-Forwarded-Proto  Host     fault
    no                    there            any                any      UNTRUSTED
    no                    missing          any                any      none: a direct request
    yes                   missing          any                public   NO_ADDRESS
    yes                   missing          any                another  none; of a page of ours: NO_ADDRESS
    yes                   there            missing            any      NO_SCHEME, if ours is https
    yes                   there            http               any      PLAIN, if ours is https
    yes                   there            https              another  OTHER_HOST
    yes                   there            https              public   none

`passerelle fleet proxy-config` prints a proxy's file without a fault.  Sources: uvicorn 0.54
``middleware/proxy_headers.py`` (of X-Forwarded-For the last address that is not a proxy's counts, so that a
client's own entries do not); MDN "X-Forwarded-For".
"""

import ipaddress
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from fleet.errors import SettingsError
from fleet.lang.i18n import t

FAULT = "proxy_fault"
"""Where a request's state holds what its proxy does wrong."""

log = structlog.get_logger("fleet.web")


class ProxyFault(StrEnum):
    """What a proxy does wrong."""

    UNTRUSTED = "untrusted"
    """It forwards for others, and is not one of the setting ``proxies``."""
    NO_ADDRESS = "no_address"
    """No X-Forwarded-For: everybody counts as one address, in logins and limits."""
    NO_SCHEME = "no_scheme"
    """No X-Forwarded-Proto."""
    PLAIN = "plain"
    """Somebody came over http: the browser keeps no cookie that is for https."""
    OTHER_HOST = "other_host"
    """The Host header names another host than the public address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """What arrived with one request, before anything of it is believed."""

    peer: str
    """The address at the other end of the socket."""
    trusted: bool
    addresses: str
    """X-Forwarded-For."""
    scheme: str
    """X-Forwarded-Proto."""
    host: str
    origin: str = ""


def parse_proxies(texts: Sequence[str]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return the networks of the setting ``proxies``.

    Raises:
        SettingsError: not an address and not a network; nobody may be believed who can be anybody.
    """
    found = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError as error:
            wanted = "an address such as 127.0.0.1 or a network such as 10.0.0.0/24"
            raise SettingsError(f"proxies: {text!r} is not {wanted}") from error
        if network.prefixlen == 0:
            raise SettingsError(f"proxies: {text} is everybody; name the addresses of your proxies")
        found.append(network)
    return tuple(found)


def fault_of(forwarded: Forwarded, public_url: str) -> ProxyFault | None:
    """Return what the proxy of a request does wrong, or None."""
    public = urlsplit(public_url)
    if not forwarded.trusted:
        return ProxyFault.UNTRUSTED if forwarded.addresses else None
    ours = forwarded.host == public.netloc
    if not forwarded.addresses:
        sent_by_ours = bool(forwarded.origin) and urlsplit(forwarded.origin).netloc == public.netloc
        loopback = public.hostname in {"localhost", forwarded.peer}
        return ProxyFault.NO_ADDRESS if (ours or sent_by_ours) and not loopback else None
    if public.scheme == "https" and forwarded.scheme != "https":
        return ProxyFault.PLAIN if forwarded.scheme else ProxyFault.NO_SCHEME
    return None if ours else ProxyFault.OTHER_HOST


def fault_in_words(lang: str, fault: ProxyFault, forwarded: Forwarded, public_url: str) -> str:
    """Return what is wrong, which setting or header, and the command."""
    public = urlsplit(public_url)
    return t(lang, f"proxy.{fault}", peer=forwarded.peer, host=forwarded.host, public=public.netloc)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFault:
    """One fault of the proxy of one request."""

    fault: ProxyFault
    forwarded: Forwarded
    public_url: str

    def in_words(self, lang: str) -> str:
        """Return the sentence for people."""
        return fault_in_words(lang, self.fault, self.forwarded, self.public_url)


class TrustedProxies:
    """The outermost layer: judges what a proxy forwarded, then believes the trusted ones (uvicorn's reading).

    Counted by fault, for `/healthz`; each is logged once.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[str], public_url: str) -> None:
        self._trusted = parse_proxies(proxies)
        self._public_url = public_url
        self._app = ProxyHeadersMiddleware(app, trusted_hosts=list(proxies))  # type: ignore[arg-type]
        self._lock = threading.Lock()
        self.counts: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            forwarded = self._read(scope)
            fault = fault_of(forwarded, self._public_url)
            if fault is not None:
                found = FoundFault(fault=fault, forwarded=forwarded, public_url=self._public_url)
                scope.setdefault("state", {})[FAULT] = found
                self._note_fault(found)
        await self._app(scope, receive, send)  # type: ignore[arg-type]

    def _read(self, scope: Scope) -> Forwarded:
        headers, client = Headers(scope=scope), scope.get("client")
        peer = str(client[0]) if client else ""
        return Forwarded(
            peer=peer,
            trusted=self._is_trusted(peer),
            addresses=headers.get("x-forwarded-for", ""),
            scheme=headers.get("x-forwarded-proto", ""),
            host=headers.get("host", ""),
            origin=headers.get("origin", ""),
        )

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)

    def _note_fault(self, found: FoundFault) -> None:
        with self._lock:
            count = self.counts[found.fault] = self.counts.get(found.fault, 0) + 1
        if count == 1:
            log.warning("proxy_wrong", fault=found.fault.value, what=found.in_words("fr"))
