"""websockets' client without what it loads for proxies and for versions of its own that are no release."""

from agent.libraries import importing

with importing(empty=("importlib.metadata", "urllib.request")):
    from websockets.asyncio.client import ClientConnection, connect

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

__all__ = ["ClientConnection", "ConnectionClosed", "InvalidHandshake", "InvalidStatus", "connect"]
