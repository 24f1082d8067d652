"""Messages to the team's rooms (Matrix, ntfy, Mattermost, …) through Apprise."""

from collections.abc import Callable

from fleet.notify.model import NotSent, Outgoing
from fleet.notify.settings import Channels


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
