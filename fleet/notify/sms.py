"""SMS by an HTTP gateway, or by a modem of our own.

The HTTP shape is that of OVH-like gateways: a JSON job with receivers and message, an answer with the job's
number, and delivery reports posted back later (``fleet.notify.reports``).  The modem is out of band: it works
when our own Internet access does not, and is tried at once when the first way fails.

Sources: OVHcloud API ``POST /sms/{service}/jobs`` (receivers, message, sender; ids, invalidReceivers) as its
public reference describes it; gammu-smsd-inject(1) and gammu(1) ``savesms TEXT`` of gammu 1.42.
"""

import subprocess
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import httpx

from fleet.notify import gsm, http
from fleet.notify.model import NotSent, Outgoing, Unconfirmed
from fleet.notify.settings import Channels

INJECT_TIMEOUT_S = 15.0
"""gammu-smsd-inject only writes into a queue."""


class Unreadable(NotSent):
    """The gateway answered 2xx with what is no answer: it may have taken the message; do not ask again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, final=True)


def sms_sender(channels: Channels) -> Callable[[Outgoing, int], str]:
    """Return what sends SMS as the settings say: by the first way, by the backup when that fails."""
    ways = [_way(url, channels.sms_sender) for url in (channels.sms_url, channels.sms_backup_url) if url]

    def send(message: Outgoing, _now_us: int) -> str:
        failed: list[NotSent] = []
        for way in ways:
            try:
                return way(message)
            except NotSent as error:
                taken = isinstance(error, Unreadable)
                if (error.final and not taken) or len(ways) == 1:
                    raise
                failed.append(error)
        words = "; then the backup: ".join(map(str, failed))
        raise NotSent(words, final=any(error.final for error in failed))

    return send


def _way(address: str, sender: str) -> Callable[[Outgoing], str]:
    parts = urlsplit(address)
    if parts.scheme == "gammu":
        return lambda message: inject(message, parts.path)
    token = parts.username or ""
    port = f":{parts.port}" if parts.port else ""
    url = urlunsplit((parts.scheme, f"{parts.hostname}{port}", parts.path, parts.query, ""))
    return lambda message: post(message, url, token, sender)


def post(message: Outgoing, url: str, token: str, sender: str) -> str:
    """Hand one SMS to the gateway; return its number there.

    Raises:
        NotSent: refused, or the line failed.
        Unconfirmed: taken, without a number.
    """
    job = {"receivers": [message.address], "message": message.text, "sender": sender, "tag": message.key}
    headers = {"Idempotency-Key": message.key} | ({"Authorization": f"Bearer {token}"} if token else {})
    with http.client() as client:
        answer = http.request(client, "POST", url, json=job, headers=headers)
    try:
        found = answer.json()
        ids = found.get("ids") or []
        refused = found.get("invalidReceivers") or []
    except (ValueError, AttributeError) as error:
        raise Unreadable(f"{httpx.URL(url).host}: answered no JSON object") from error
    if refused:
        raise NotSent(f"the gateway refuses the number {message.address}", final=True)
    if not ids:
        raise Unconfirmed(f"{httpx.URL(url).host}: answered no number for the message")
    return f"sms-{ids[0]}"


def inject(message: Outgoing, configuration: str) -> str:
    """Hand one SMS to the modem's queue.

    Raises:
        NotSent: gammu is not there, or refuses.
    """
    command = ["gammu-smsd-inject", "-c", configuration, "TEXT", message.address]
    command += [] if gsm.fits(message.text) else ["-unicode"]
    # Without -len the text is cut where a single SMS ends, silently: the link would be what is lost.
    command += ["-len", str(len(message.text)), "-textutf8", message.text]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INJECT_TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise NotSent("gammu-smsd-inject is not installed: apt install gammu-smsd") from error
    except OSError as error:
        raise NotSent(f"gammu-smsd-inject: {error.strerror or error}") from error
    except subprocess.TimeoutExpired as error:
        raise NotSent(f"gammu-smsd-inject did not end within {INJECT_TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        spoken = f"{done.stderr}\n{done.stdout}".strip().splitlines()
        raise NotSent(f"gammu-smsd-inject: {spoken[-1] if spoken else ''} (status {done.returncode})")
    return ""
