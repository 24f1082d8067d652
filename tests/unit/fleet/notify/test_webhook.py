import hashlib
import hmac

import pytest

from fleet.notify.model import Channel, NotSent, Outgoing
from fleet.notify.settings import Channels, ChannelSettingError, read_channels
from fleet.notify.webhook import SIGNATURE_HEADER, webhook_sender
from tests.unit.fleet.notify.servers import serving

MESSAGE = Outgoing(
    id=1,
    key="webhook/7/Report/1",
    channel=Channel.WEBHOOK,
    address="webhook",
    subject="",
    text="",
    html="",
    attempts=1,
    created_at_us=0,
    detail={"ticket": 7, "event": "Report"},
)


def test_the_receiver_can_prove_that_it_is_ours_and_fresh() -> None:
    with serving(lambda _: (204, b"")) as server:
        webhook_sender(Channels(webhook_url=server.url, webhook_secret="k"))(MESSAGE, 1_795_305_600_000_000)
    (seen,) = server.seen
    parts = dict(part.split("=") for part in seen.headers[SIGNATURE_HEADER].split(","))
    wanted = hmac.new(b"k", f"{parts['t']}.".encode() + seen.body, hashlib.sha256).hexdigest()
    assert (parts["t"], parts["v1"]) == ("1795305600", wanted)
    assert seen.headers["Idempotency-Key"] == "webhook/7/Report/1"
    assert seen.json == {"ticket": 7, "event": "Report"}


def test_gone_is_final_and_busy_is_not() -> None:
    for status, final in ((410, True), (503, False)):
        with serving(lambda _, status=status: (status, b"")) as server, pytest.raises(NotSent) as caught:  # type: ignore[misc]
            webhook_sender(Channels(webhook_url=server.url, webhook_secret="k"))(MESSAGE, 0)
        assert caught.value.final is final


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"PASSERELLE_WEBHOOK_URL": "https://x"}, "WEBHOOK_SECRET"),
        ({"PASSERELLE_WEBHOOK_URL": "ftp://x", "PASSERELLE_WEBHOOK_SECRET": "k"}, "WEBHOOK_URL"),
        ({"PASSERELLE_SMS_URL": "sms://x"}, "SMS_URL"),
        ({"PASSERELLE_GLPI_URL": "https://x"}, "GLPI_USER_TOKEN"),
    ],
)
def test_half_a_setting_is_named(environment: dict[str, str], name: str) -> None:
    with pytest.raises(ChannelSettingError, match=name):
        read_channels(environment)


def test_nothing_set_is_nothing_on() -> None:
    assert read_channels({}) == Channels()
