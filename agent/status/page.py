"""The screen of ``agent status`` in a browser beside the gateway: read-only, French or English, no script."""

import asyncio
from collections.abc import Callable

from agent.local_page import EVERYWHERE, LOOPBACK, Acts, LocalPage
from agent.status.say import Lang, lang_of, say
from agent.status.status import Status
from agent.wire.configuration import Configuration

REFRESH_S = 10
FOLLOWS_S = 2.0
"""A change of configuration is looked for so often."""
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem;max-width:60rem;color:#111;background:#fff}"
    "pre{font:14px/1.6 ui-monospace,monospace;white-space:pre-wrap}"
    ".code{font:bold 2.5rem ui-monospace,monospace;letter-spacing:.1em}"
    ".good{color:#0a5c2b}.check{color:#8a1c00}"
)


def page(status: Status, lang: Lang) -> str:
    """Return the page as HTML; everything that came from elsewhere is escaped."""
    from html import escape

    from agent.status.screen import onsite_words, render, serves

    state = say(lang, "En service", "In service") if serves(status) else say(lang, "À vérifier", "Check")
    proof, code = onsite_words(status, lang)
    title = f"{say(lang, 'Passerelle', 'Gateway')} {status.eui}"
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{REFRESH_S}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>{escape(status.site)}</p>"
        f'<p class="{"good" if serves(status) else "check"}"><strong>{state}</strong></p>'
        f'<p>{proof}</p><p class="code">{escape(code)}</p>'
        f"<pre>{escape(render(status, lang))}</pre></body></html>\n"
    )


class StatusPage:
    """The page on its port, as the configuration has it; ``look`` follows a change of configuration."""

    def __init__(
        self, ask: Callable[[], Status], acts: Acts | None = None, body_limit_bytes: int = 0
    ) -> None:
        self._page = LocalPage(
            lambda accepted: page(ask(), lang_of(accepted)),
            path="/",
            content_type="text/html; charset=utf-8",
            acts=acts,
            body_limit_bytes=body_limit_bytes,
        )
        self._where: tuple[int, bool] = (0, False)
        self._server: asyncio.Server | None = None
        self.refused = 0
        """Times that the port was taken."""

    async def run(self, running: Callable[[], Configuration]) -> None:
        """Serve the page as the configuration that runs has it, until cancelled."""
        try:
            while True:
                await self.follow(running().page_port, lan=running().page_on_lan)
                await asyncio.sleep(FOLLOWS_S)
        finally:
            self.close()

    async def follow(self, port: int, *, lan: bool) -> None:
        """Listen where the configuration says; 0: nowhere.  A port that is taken is tried again."""
        if (port, lan) == self._where:
            return
        self.close()
        if port:
            try:
                self._server = await self._page.serve(port, EVERYWHERE if lan else LOOPBACK)
            except OSError:
                self.refused += 1
                return
        self._where = port, lan

    def close(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.close()
        self._server, self._where = None, (0, False)
