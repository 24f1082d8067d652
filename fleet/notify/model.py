"""Messages as values, from what is written in the outbox to how sending them ended."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Channel(StrEnum):
    """Ways to reach somebody."""

    MAIL = "mail"
    SMS = "sms"
    WEBHOOK = "webhook"
    APPRISE = "apprise"
    GLPI = "glpi"


class Delivery(StrEnum):
    """How far a message has come."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    """Overtaken by events before it was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a person reads."""

    subject: str
    text: str
    html: str = ""
    sms: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message claimed for sending."""

    id: int
    key: str
    channel: Channel
    address: str
    subject: str
    text: str
    html: str
    attempts: int
    created_at_us: int
    person_id: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    content: bytes = b""
    """The photo that a mirror shall keep; read when it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message as a ticket's page shows it."""

    id: int
    channel: Channel
    address: str
    subject: str
    state: Delivery
    attempts: int
    error: str
    created_at_us: int
    sent_at_us: int | None
    delivered_at_us: int | None


class Unconfirmed(Exception):
    """The gateway took the message without a number for it: no report will come, asking again sends twice."""


class NotSent(Exception):
    """Sending failed; ``final`` when trying again cannot help."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final
