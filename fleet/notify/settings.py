"""Which ways out are set up, from the environment.

environment                    meaning
PASSERELLE_SMS_URL             https://TOKEN@host/path of an SMS gateway, or gammu:/etc/gammu-smsdrc (a modem)
PASSERELLE_SMS_BACKUP          the same, tried at once when the first way fails: best a modem
PASSERELLE_SMS_SENDER          name or number that the SMS comes from
PASSERELLE_WEBHOOK_URL         where every change of a ticket is posted
PASSERELLE_WEBHOOK_SECRET      key of the signature over it; needed with the address
PASSERELLE_APPRISE_URLS        Matrix, ntfy and others for the team, separated by spaces
PASSERELLE_GLPI_URL            https://glpi.example.fr/apirest.php
PASSERELLE_GLPI_APP_TOKEN      of the API client
PASSERELLE_GLPI_USER_TOKEN     of the account that writes
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


class ChannelSettingError(ValueError):
    """A setting that cannot be used; names it and says how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """The ways out; empty means switched off."""

    sms_url: str = ""
    sms_backup_url: str = ""
    sms_sender: str = ""
    webhook_url: str = ""
    webhook_secret: str = ""
    apprise_urls: tuple[str, ...] = ()
    glpi_url: str = ""
    glpi_app_token: str = ""
    glpi_user_token: str = ""


def read_channels(environment: Mapping[str, str] = os.environ) -> Channels:
    """Return what the environment says.

    Raises:
        ChannelSettingError: half a setting, or an address that is none.
    """

    def text(name: str) -> str:
        return environment.get(f"PASSERELLE_{name}", "").strip()

    channels = Channels(
        sms_url=text("SMS_URL"),
        sms_backup_url=text("SMS_BACKUP"),
        sms_sender=text("SMS_SENDER"),
        webhook_url=text("WEBHOOK_URL"),
        webhook_secret=text("WEBHOOK_SECRET"),
        apprise_urls=tuple(text("APPRISE_URLS").split()),
        glpi_url=text("GLPI_URL").rstrip("/"),
        glpi_app_token=text("GLPI_APP_TOKEN"),
        glpi_user_token=text("GLPI_USER_TOKEN"),
    )
    _check(channels)
    return channels


def _check(channels: Channels) -> None:
    if channels.webhook_url and not channels.webhook_secret:
        raise ChannelSettingError(
            "PASSERELLE_WEBHOOK_SECRET: missing; write the key that the receiver checks"
        )
    if channels.glpi_url and not channels.glpi_user_token:
        raise ChannelSettingError(
            "PASSERELLE_GLPI_USER_TOKEN: missing; GLPI shows it under Remote access keys"
        )
    if channels.sms_backup_url and not channels.sms_url:
        raise ChannelSettingError("PASSERELLE_SMS_URL: missing; a backup needs a first way")
    for name, url, schemes in (
        ("SMS_URL", channels.sms_url, ("http", "https", "gammu")),
        ("SMS_BACKUP", channels.sms_backup_url, ("http", "https", "gammu")),
        ("WEBHOOK_URL", channels.webhook_url, ("http", "https")),
        ("GLPI_URL", channels.glpi_url, ("http", "https")),
    ):
        if url and urlsplit(url).scheme not in schemes:
            raise ChannelSettingError(
                f"PASSERELLE_{name}: {url!r} does not begin with {' or '.join(schemes)}:"
            )
