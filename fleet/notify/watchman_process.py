"""The watchman's loop: ask, decide, send, remember.  Its own settings, its own way out.

environment                 meaning
PASSERELLE_WATCHMAN_SMS     https://TOKEN@host/path of another SMS gateway, or gammu:/etc/gammu-smsdrc
PASSERELLE_WATCHMAN_PHONES  numbers, separated by spaces
"""

import os
import sys
import threading
from pathlib import Path

import httpx
import msgspec
import sdnotify

from fleet.clock import Clock, SystemClock
from fleet.lang import format as formats
from fleet.lang.i18n import t
from fleet.notify import gsm, http
from fleet.notify.model import Channel, NotSent, Outgoing
from fleet.notify.settings import Channels
from fleet.notify.sms import sms_sender
from fleet.notify.watchman import ASK_EVERY_US, Finding, Page, Watch, find, moved, step

UNSENT_LIMIT = 20
"""Pages that wait for the SMS path; beyond it the oldest go, which say less than the newest."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The file in which the watchman remembers."""

    watch: Watch
    unsent: list[Outgoing] = []


class WatchmanSettingError(ValueError):
    """A setting that is missing or wrong."""


class Watchman:
    """One watchman; ``round`` is what it does every 20 seconds."""

    def __init__(self, *, url: str, state: Path, phones: tuple[str, ...], sms_url: str, clock: Clock) -> None:
        self._url = url
        self._state = state
        self._phones = phones
        self._send = sms_sender(Channels(sms_url=sms_url))
        self._clock = clock
        memory = self._load_state()
        self._offset_us = clock.now_us() - clock.monotonic_us()
        self._watch, self._unsent = moved(memory.watch, 0, clock.now_us()), list(memory.unsent)

    def _load_state(self) -> Memory:
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=Memory)
        except (FileNotFoundError, msgspec.MsgspecError):
            return Memory(watch=Watch(alive_at_us=self._clock.now_us()))

    def round(self) -> int:
        """Ask once, send what is due, remember; return how many pages still wait."""
        now_us = self._clock.now_us()
        offset_us = now_us - self._clock.monotonic_us()
        self._watch = moved(self._watch, offset_us - self._offset_us, now_us)
        self._offset_us = offset_us
        self._watch, pages = step(self._watch, self._ask(), now_us)
        self._unsent += [self._message(page, phone, now_us) for page in pages for phone in self._phones]
        self._unsent = self._unsent[-UNSENT_LIMIT:]
        self._remember()
        if self._unsent:
            self._unsent = [message for message in self._unsent if not self._sent(message, now_us)]
            self._remember()
        return len(self._unsent)

    def _remember(self) -> None:
        """Write before sending and after: killed between them, a page goes again and none is lost."""
        partial = self._state.with_suffix(".new")
        partial.write_bytes(msgspec.json.encode(Memory(watch=self._watch, unsent=self._unsent)))
        partial.replace(self._state)

    def _ask(self) -> Finding:
        try:
            with http.client() as client:
                answer = client.get(self._url)
            body = answer.json()
        except (httpx.HTTPError, ValueError):
            return Finding.SILENT
        told = body if isinstance(body, dict) else {}
        numbers = (told.get(name) for name in ("last_cycle_age_us", "stuck_for_us", "crashes_1h"))
        age_us, stuck_us, crashes = (one if isinstance(one, int) else None for one in numbers)
        return find(
            answered=answer.is_success, cycle_age_us=age_us, stuck_for_us=stuck_us, crashes_1h=crashes
        )

    def _message(self, page: Page, phone: str, now_us: int) -> Outgoing:
        text = gsm.plain(t("fr", page.key, since=formats.short("fr", page.since_us, now_us)))
        return Outgoing(
            id=0,
            key=f"{page.key}/{page.since_us}/{now_us}/{phone}",
            channel=Channel.SMS,
            address=phone,
            subject=text,
            text=text,
            html="",
            attempts=1,
            created_at_us=now_us,
        )

    def _sent(self, message: Outgoing, now_us: int) -> bool:
        try:
            self._send(message, now_us)
        except NotSent as error:
            print(f"watchman: {message.address}: {error}", file=sys.stderr)
            return error.final
        return True


def watch(*, url: str, state: Path, once: bool) -> None:
    """Watch until stopped, or ask once.

    Raises:
        WatchmanSettingError: the way out is not set.
    """
    sms_url = os.environ.get("PASSERELLE_WATCHMAN_SMS", "")
    phones = tuple(os.environ.get("PASSERELLE_WATCHMAN_PHONES", "").split())
    if not sms_url or not phones:
        raise WatchmanSettingError("watchman: set PASSERELLE_WATCHMAN_SMS and PASSERELLE_WATCHMAN_PHONES")
    watchman = Watchman(url=url, state=state, phones=phones, sms_url=sms_url, clock=SystemClock())
    pause, systemd = threading.Event(), sdnotify.SystemdNotifier()
    systemd.notify("READY=1")
    while True:
        watchman.round()
        systemd.notify("WATCHDOG=1")
        if once or pause.wait(ASK_EVERY_US / 1e6):
            return
