"""The outbox worker: claim, send, note.  Any number may run beside each other, here or on other hosts.

    async with TaskGroup() as tasks: tasks.create_task(worker.run(database, settings, clock))

Claim and outcome are two transactions with the sending between them.  A worker killed while it sends leaves a
lease that runs out, and the message goes again with the same idempotency key: at least once, never lost.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from fleet.clock import Clock
from fleet.db.connect import Database, first_line, is_database_trouble
from fleet.notify import mail, outbox
from fleet.notify.glpi import glpi_sender
from fleet.notify.marks import filled, tickets_to_acknowledge
from fleet.notify.model import Channel, NotSent, Outgoing, Unconfirmed
from fleet.notify.settings import Channels, read_channels
from fleet.notify.sms import sms_sender
from fleet.notify.webhook import webhook_sender
from fleet.paging import validity
from fleet.settings import Settings
from fleet.tickets import attachments, links

FAILED_WAIT_S = 5.0
"""After a round that failed: the database was away, or a mistake of ours; leases bring messages back."""

POLL_S = 1.0
"""Between looks into an empty outbox: a page is out within 30 s of its confirmation."""

PARALLEL_LIMIT = 8
"""Messages on their way at once; a slow server delays the others by this much only."""

log = structlog.get_logger(__name__)

Sender = Callable[[Outgoing, int], str]
"""Sends one message, at an instant; returns the provider's own number for it, or an empty text."""


def mail_sender(settings: Settings) -> Sender:
    """Return what sends mails as the settings say."""

    def send(message: Outgoing, now_us: int) -> str:
        if settings.smtp_url is None:
            raise NotSent(
                "messages.smtp_url is not set: `passerelle fleet settings set messages.smtp_url=smtp://host:port`"
            )
        try:
            server = mail.parse_mail_url(settings.smtp_url)
        except mail.MailUrlError as error:
            raise NotSent(str(error)) from error
        try:
            built = mail.build(message, settings.mail_from, now_us)
        except mail.AddressRefused as error:
            raise NotSent(f"this cannot be a mail: {error}", final=True) from error
        mail.send(server, built)
        return str(built["Message-ID"])

    return send


class Worker:
    """One sender of messages; ``step`` is one round, in a thread of its own."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        public_url: str,
        secret: bytes,
        senders: Mapping[Channel, Sender],
    ) -> None:
        self._database = database
        self._clock = clock
        self._public_url = public_url
        self._secret = secret
        self._senders = senders
        self._name = f"{socket.gethostname()}/{os.getpid()}"

    def claim(self) -> tuple[Outgoing, ...]:
        """Lease what is due, withdraw what is overtaken, fill in addresses, whose tokens are made here."""
        now_us = self._clock.now_us()
        with self._database.read() as connection:
            if not outbox.waiting(connection, now_us=now_us):
                return ()
        with self._database.write() as connection:
            claimed = outbox.claim(connection, worker=self._name, now_us=now_us)
            holding = [message for message in claimed if validity.valid(connection, message, now_us)]
            return tuple(self._addressed(connection, message, now_us) for message in holding)

    def _addressed(self, connection: Connection, message: Outgoing, now_us: int) -> Outgoing:
        person_id = message.person_id
        who = outbox.person_name(connection, person_id) or message.address
        made = {
            ticket_id: links.mint(
                connection, self._secret, ticket_id=ticket_id, person_id=person_id, who=who, now_us=now_us
            )
            for ticket_id in tickets_to_acknowledge(message.text + message.html)
        }

        def acknowledge(ticket_id: int) -> str:
            return f"{self._public_url}/a/{made[ticket_id]}"

        if message.channel is Channel.GLPI:
            return self._mirrored(connection, message)
        text, html = (filled(part, self._public_url, acknowledge) for part in (message.text, message.html))
        return replace(message, text=text, html=html)

    def _mirrored(self, connection: Connection, message: Outgoing) -> Outgoing:
        """Add what GLPI called the ticket, and the photo if it is about one."""
        ticket_id = int(message.detail["ticket"])
        number = outbox.provider_of(connection, Channel.GLPI, ticket_id)
        photo = message.detail.get("attachment")
        found = attachments.content(connection, ticket_id, photo["id"]) if photo else None
        content = b"" if found is None else found[1]
        return replace(message, detail=message.detail | {"external_id": number}, content=content)

    def deliver(self, message: Outgoing) -> None:
        """Send one claimed message and note how it ended."""
        sender = self._senders.get(message.channel)
        try:
            if sender is None:
                raise NotSent(f"no sender for channel {message.channel.value} is set up")
            provider_id = sender(message, self._clock.now_us())
        except Unconfirmed as remark:
            with self._database.write() as connection:
                outbox.sent(connection, message, now_us=self._clock.now_us(), remark=str(remark))
            log.warning("message_unconfirmed", key=message.key, remark=str(remark))
        except NotSent as error:
            with self._database.write() as connection:
                state = outbox.failed(
                    connection, message, now_us=self._clock.now_us(), error=str(error), final=error.final
                )
            log.warning("message_not_sent", key=message.key, state=state.value, error=str(error))
        else:
            with self._database.write() as connection:
                outbox.sent(connection, message, now_us=self._clock.now_us(), provider_id=provider_id)

    def announce(self) -> None:
        """Write down which ways out there are, so that others get no rows."""
        with self._database.write() as connection:
            outbox.enable_channels(connection, self._senders, self._clock.now_us())

    async def run(self) -> None:
        """Send until cancelled; whatever goes wrong is logged, and the next round comes."""
        announced = waits = False
        while True:
            try:
                if not announced:
                    await asyncio.to_thread(self.announce)
                    announced = True
                await self._rounds()
            except Exception as error:
                if not is_database_trouble(error):
                    log.exception("outbox_round_failed")
                elif not waits:
                    log.warning("outbox_waits", reason=first_line(error))
                waits = is_database_trouble(error)
                await asyncio.sleep(FAILED_WAIT_S)

    async def _rounds(self) -> None:
        slots = asyncio.Semaphore(PARALLEL_LIMIT)

        async def one(message: Outgoing) -> None:
            async with slots:
                await asyncio.to_thread(self.deliver, message)

        while True:
            claimed = await asyncio.to_thread(self.claim)
            ends = await asyncio.gather(*(one(message) for message in claimed), return_exceptions=True)
            for message, end in zip(claimed, ends, strict=True):
                if isinstance(end, Exception):
                    log.error("message_failed", key=message.key, error=f"{type(end).__name__}: {end}")
            if not claimed:
                await asyncio.sleep(POLL_S)


def senders_of(settings: Settings, channels: Channels) -> dict[Channel, Sender]:
    """Return a sender for every way out that is set up; mail is always one: its failure must show."""
    senders: dict[Channel, Sender] = {Channel.MAIL: mail_sender(settings)}
    if channels.sms_url:
        senders[Channel.SMS] = sms_sender(channels)
    if channels.webhook_url:
        senders[Channel.WEBHOOK] = webhook_sender(channels)
    if channels.apprise_urls:
        senders[Channel.APPRISE] = team_sender(channels)
    if channels.glpi_url:
        senders[Channel.GLPI] = glpi_sender(channels)
    return senders


def check(settings: Settings) -> None:
    """Refuse settings that no message could be sent with, before anything starts.

    Raises:
        ChannelSettingError: half a setting, or an address that is none.
        MailUrlError: the mail server's address cannot be used.
    """
    senders_of(settings, read_channels(settings.ways_out))
    if settings.smtp_url is not None:
        mail.parse_mail_url(settings.smtp_url)


def worker(database: Database, settings: Settings, clock: Clock) -> Worker:
    """Return a worker as the settings say.

    Raises:
        ChannelSettingError: half a setting, or an address that is none.
    """
    return Worker(
        database=database,
        clock=clock,
        public_url=settings.public_url,
        secret=links.read_secret(settings.keys / links.SECRET_NAME),
        senders=senders_of(settings, read_channels(settings.ways_out)),
    )


async def run(database: Database, settings: Settings, clock: Clock) -> None:
    """Send what the outbox holds, until cancelled."""
    await worker(database, settings, clock).run()


def team_sender(channels: Channels) -> Callable[[Outgoing, int], str]:
    """Return what writes to the rooms of the settings."""
    import apprise  # a second of start-up: only where rooms are set up

    rooms = apprise.Apprise()
    unusable = [url.split(":")[0] for url in channels.apprise_urls if not rooms.add(url)]

    def send(message: Outgoing, _now_us: int) -> str:
        if unusable:
            raise NotSent(f"PASSERELLE_APPRISE_URLS: Apprise knows no {', '.join(unusable)}://")
        if not rooms.notify(body=message.text, title=message.subject):
            raise NotSent("a room did not take the message")
        return ""

    return send
