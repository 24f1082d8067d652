"""Shapes and icons as inline SVG: one shape a state, everywhere (UI.md, "States").  Colour is never alone."""

from typing import Final

from markupsafe import Markup, escape

_DRAWN: Final[dict[str, str]] = {
    "disc": '<circle cx="8" cy="8" r="7" fill="currentColor"/>',
    "half": (
        '<circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        '<path d="M8 1.75a6.25 6.25 0 0 0 0 12.5z" fill="currentColor"/>'
    ),
    "square": '<rect x="1.5" y="1.5" width="13" height="13" fill="currentColor"/>',
    "hatched": (
        '<path d="M1.75 1.75h12.5v12.5H1.75z" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        '<path d="M2 6l4-4M2 14L14 2M10 14l4-4" stroke="currentColor" stroke-width="1" opacity=".45"/>'
        '<path d="M6 6.2a2 2 0 1 1 2.9 1.9c-.7.4-.9.7-.9 1.5M8 11.6v.9" fill="none" stroke="currentColor"'
        ' stroke-width="1.7"/>'
    ),
    "triangle": '<path d="M8 1.5l7 13H1z" fill="currentColor"/>',
    "ring": '<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="2"/>',
}
_OF_STATE: Final[dict[str, str]] = {
    "SERVING": "disc",
    "SERVED": "disc",
    "BUFFERING": "half",
    "DOWN": "square",
    "LOST": "square",
    "UNKNOWN": "hatched",
    "MAINTENANCE": "triangle",
    "EXCLUDED": "triangle",
    "OUT": "ring",
    "NOT_COVERED": "ring",
}
SYMBOLS: Final[dict[str, str]] = {
    "disc": "●",
    "half": "◐",
    "square": "■",
    "hatched": "?",
    "triangle": "▲",
    "ring": "○",
}
_ICONS: Final[dict[str, str]] = {
    "overview": '<path d="M3 3h8v8H3zM13 3h8v5h-8zM13 10h8v11h-8zM3 13h8v8H3z"/>',
    "map": '<path d="M9 4L3 6.5v13.5l6-2.5 6 2.5 6-2.5V4l-6 2.5zM9 4v13.5M15 6.5V20"/>',
    "incidents": '<path d="M12 3.5l9.5 16.5h-19zM12 10v4.5M12 17v.5"/>',
    "gateways": '<path d="M12 12v9M8.5 21h7M8.5 8.5a5 5 0 0 1 7 0M6 6a8.5 8.5 0 0 1 12 0M12 11.5v.5"/>',
    "rollouts": '<path d="M4 7h10M4 7l3-3M4 7l3 3M20 17H10M20 17l-3-3M20 17l-3 3"/>',
    "reports": '<path d="M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h7"/>',
}


def shape(state: str, title: str = "") -> Markup:
    """Return the shape of a state; with ``title`` it speaks, without it is decoration beside its word."""
    drawn = _DRAWN[_OF_STATE[state]]
    return _svg(drawn, "0 0 16 16", title)


def symbol(state: str) -> str:
    """Return the same shape as one character, for mails, prints and terminals."""
    return SYMBOLS[_OF_STATE[state]]


def mark(direction: str) -> Markup:
    """Return the small triangle of a sorted column."""
    path = "M1 9L6 2l5 7z" if direction == "ascending" else "M1 3h10L6 10z"
    return Markup(  # noqa: S704 constant strings only
        '<svg class="sort-mark" viewBox="0 0 12 12" aria-hidden="true">'
        f'<path d="{path}" fill="currentColor"/></svg>'
    )


def icon(name: str) -> Markup:
    """Return a line icon of the navigation; the word stands beside it."""
    return Markup(  # noqa: S704 constant strings only
        '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75"'
        f' stroke-linejoin="round" stroke-linecap="round" aria-hidden="true">{_ICONS[name]}</svg>'
    )


def _svg(drawn: str, box: str, title: str) -> Markup:
    if not title:
        return Markup(f'<svg viewBox="{box}" aria-hidden="true">{drawn}</svg>')  # noqa: S704 constants
    return Markup(  # noqa: S704 the title is escaped
        f'<svg viewBox="{box}" role="img"><title>{escape(title)}</title>{drawn}</svg>'
    )
