"""Keeps addresses and credentials of one connector up to date by CUPS; frames never wait for it.

    asked well      -> again in a day (± a tenth)
    asked in vain   -> again in a minute or more, spread
    LNS in vain     -> asked again, a minute after the last time at the earliest

What was handed out is tried six times in a row; then the connector's own settings have six turns.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from agent import RELEASE
from agent.connectors.basics_station.credentials import CredentialStore, HandedOut, merged, origin_of
from agent.connectors.basics_station.cups import Answer, Credentials, CupsError, parse_answer, question
from agent.connectors.basics_station.cups_line import CupsRefused, credentials_of, post, token_of
from agent.connectors.basics_station.tls import credentials_context
from agent.connectors.ports import Host
from agent.connectors.tls import tls_context
from agent.failures import reason_of
from agent.wire import reasons
from agent.wire.configuration import ConnectorConfig
from agent.wire.reasons import Reason

FIRST_S = 20.0
"""The first question after a start comes somewhere in this time: not 1,615 at once."""
AGAIN_S = 86_400.0
"""CUPS_OKSYNC_INTV of the reference."""
FAULT_S = 60.0
"""CUPS_RESYNC_INTV of the reference; spread by as much again."""
TURNS = 6
"""Failures in a row before the other settings are tried (FAIL_CNT_THRES of the reference)."""


class CupsWithoutTls(CupsError):
    """CUPS over plain HTTP would move an LNS that is signed with TLS: whoever is on the way could."""


def own_settings_turn(failures: int) -> bool:
    """Return whether the connector's own settings are to be tried after so many failures in a row.

    >>> [own_settings_turn(failures) for failures in (0, 5, 6, 11, 12)]
    [False, False, True, True, False]
    """
    return failures // TURNS % 2 == 1


class CupsKeeper:
    """Asks when it is time; ``uri`` and ``credentials`` are what to reach the LNS with."""

    def __init__(
        self, config: ConnectorConfig, host: Host, counts: "Counter[str]", changed: Callable[[], None]
    ) -> None:
        self._config, self._host, self._changed = config, host, changed
        self._counts = counts
        self._store = CredentialStore(host.directory / "cups" / config.name, origin_of(config))
        self.handed_out = self._store.load() if config.cups.uri else HandedOut()
        if asked_without_tls(config):
            self.handed_out = replace(self.handed_out, tc_uri="", tc=None)
        self._counts["cups_file_damaged"] += self._store.damaged
        self._lns_failures = 0
        self._cups_failures = 0
        self._recorded_failure: Reason | None = None
        self._recorded_update_bytes = 0
        self._sooner = asyncio.Event()

    @property
    def uri(self) -> str:
        """Return the URI at which to discover the LNS; empty: the connector's own settings hold."""
        uri = self.handed_out.tc_uri
        own = own_settings_turn(self._lns_failures) or lowers_tls(uri, signed=own_uri(self._config))
        return "" if own else uri

    @property
    def credentials(self) -> Credentials | None:
        """How to reach it; None: by the connector's own settings."""
        return None if own_settings_turn(self._lns_failures) else self.handed_out.tc

    def lns(self, *, reached: bool) -> None:
        """Take in whether the LNS took us."""
        self._lns_failures = 0 if reached else self._lns_failures + 1
        if not reached:
            self._sooner.set()

    async def run(self) -> None:
        """Ask again and again, until cancelled; returns at once without CUPS."""
        if not self._config.cups.uri:
            return
        await asyncio.sleep(random.uniform(0, FIRST_S))  # noqa: S311  # no secret
        while True:
            good = await self.ask()
            await asyncio.sleep(FAULT_S * random.uniform(1, 2))  # noqa: S311  # no secret
            if good:
                self._sooner.clear()
                try:
                    async with asyncio.timeout(AGAIN_S * random.uniform(0.9, 1.1)):  # noqa: S311  # no secret
                        await self._sooner.wait()
                except TimeoutError:
                    continue

    async def ask(self) -> bool:
        """Ask once and take over what changed; return whether the answer was good."""
        own = own_settings_turn(self._cups_failures) or lowers_tls(
            self.handed_out.cups_uri, signed=self._config.cups.uri
        )
        uri = (not own and self.handed_out.cups_uri) or self._config.cups.uri
        try:
            answer = parse_answer(await self._post(uri, None if own else self.handed_out.cups))
            self._take(answer)
        except (CupsError, CupsRefused, OSError, TimeoutError) as error:
            self._cups_failures += 1
            self._counts["cups_malformed" if isinstance(error, CupsError) else "cups_failed"] += 1
            self._tell(reasons.lns.cups_failed(uri=uri, cause=_why(error)))
            return False
        self._cups_failures = 0
        self._counts["cups_asked"] += 1
        self._tell(None)
        return True

    async def _post(self, uri: str, credentials: Credentials | None) -> bytes:
        files = self._config.cups
        ours = await asyncio.to_thread(credentials_of, files)
        lns = await asyncio.to_thread(credentials_of, self._config)
        body = question(
            eui=self._host.eui,
            cups_uri=self.handed_out.cups_uri or files.uri,
            tc_uri=self.handed_out.tc_uri or own_uri(self._config),
            cups_crc=(self.handed_out.cups or ours).crc,
            tc_crc=(self.handed_out.tc or lns).crc,
            version=RELEASE,
        )
        if not uri.startswith("https:"):
            return await post(uri, body, context=None, token=credentials.token if credentials else ours.token)
        if credentials is not None:
            return await post(uri, body, context=credentials_context(credentials), token=credentials.token)
        return await post(uri, body, context=tls_context(files), token=token_of(files))

    def _take(self, answer: Answer) -> None:
        if asked_without_tls(self._config) and (answer.tc_uri or answer.tc_credentials):
            raise CupsWithoutTls("asked over plain HTTP about an LNS with TLS")
        for uri, signed in (
            (answer.cups_uri, self._config.cups.uri),
            (answer.tc_uri, own_uri(self._config)),
        ):
            if lowers_tls(uri, signed=signed):
                raise CupsError(f"{uri[:80]}: without the TLS that is configured")
        if answer.update_bytes:
            self._counts["cups_update_refused"] += 1
            if answer.update_bytes != self._recorded_update_bytes:
                self._recorded_update_bytes = answer.update_bytes
                software = reasons.lns.cups_software_refused()
                self._host.record(self._config.name, "CUPS_UPDATE_REFUSED", software)
        if not answer.changes:
            return
        after = merged(self.handed_out, answer)
        if after == self.handed_out:
            return
        self._store.save(after)
        lns_changed = (after.tc_uri, after.tc) != (self.handed_out.tc_uri, self.handed_out.tc)
        self.handed_out = after
        self._counts["cups_changed"] += 1
        what = reasons.lns.cups_changed(changed="lns" if lns_changed else "cups")
        self._host.record(self._config.name, "CUPS_CHANGED", what)
        if lns_changed:
            self._lns_failures = 0
            self._changed()

    def _tell(self, why: Reason | None) -> None:
        """Report a fault once, and again only when it is another."""
        if why is not None and why != self._recorded_failure:
            self._host.record(self._config.name, "CUPS_FAILED", why)
        self._recorded_failure = why


def lowers_tls(uri: str, *, signed: str) -> bool:
    """Return whether an address that was handed out would do without the TLS of the signed one.

    >>> lowers_tls("ws://a", signed="wss://b"), lowers_tls("wss://a", signed="ws://b")
    (True, False)
    """
    secure = ("https:", "wss:")
    return bool(uri) and signed.startswith(secure) and not uri.startswith(secure)


def asked_without_tls(config: ConnectorConfig) -> bool:
    """Return whether the signed settings ask CUPS over plain HTTP about an LNS with TLS."""
    return config.tls and config.cups.uri.startswith("http:")


def own_uri(config: ConnectorConfig) -> str:
    """Return the address of the LNS as the connector's own settings have it."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"{'wss' if config.tls else 'ws'}://{host}:{config.port}"


def _why(error: Exception) -> Reason:
    if isinstance(error, CupsWithoutTls):
        return reasons.lns.cups_without_tls()
    if isinstance(error, CupsError):
        return reasons.lns.cups_malformed(detail=str(error))
    return (
        reasons.lns.server_refused(detail=str(error)) if isinstance(error, CupsRefused) else reason_of(error)
    )
