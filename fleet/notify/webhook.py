"""Every change of a ticket, posted as JSON and signed, so that the receiver knows that it is ours and fresh.

Passerelle-Signature: t=1795305600,v1=<hex of HMAC-SHA256 over "t.body">
Idempotency-Key: the same when the same change comes twice
"""

import hashlib
import hmac
from collections.abc import Callable

import msgspec

from fleet.notify import http
from fleet.notify.model import Outgoing
from fleet.notify.settings import Channels

SIGNATURE_HEADER = "Passerelle-Signature"


def signature(secret: str, body: bytes, at_s: int) -> str:
    """Return the header that proves a body; the receiver refuses an old ``t``.

    >>> signature("k", b"{}", 0)[:20]
    't=0,v1=c847cd2c51e39'
    """
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def webhook_sender(channels: Channels) -> Callable[[Outgoing, int], str]:
    """Return what posts changes as the settings say."""

    def send(message: Outgoing, now_us: int) -> str:
        body = msgspec.json.encode(message.detail)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message.key,
            SIGNATURE_HEADER: signature(channels.webhook_secret, body, now_us // 1_000_000),
        }
        with http.client() as client:
            http.request(client, "POST", channels.webhook_url, content=body, headers=headers)
        return ""

    return send
