"""Templates with the person's language bound to them, and the headers that every page carries.

Strict: an unknown name in a template is an error, everything is escaped, and the content policy allows
nothing from another host and nothing inline (DESIGN §9).
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agent.wire.reasons import ReasonedError, document, text
from fleet.configurations.kinds import name_of, rule_of
from fleet.db.outside import outside_write
from fleet.errors import InputRefused
from fleet.identity import audit
from fleet.lang import format as formats
from fleet.lang import shapes
from fleet.lang.i18n import t, word
from fleet.lang.paris import paris
from fleet.lang.phones import readable
from fleet.lang.reasons import gateway_in_words, in_words, is_foreign_prose, sending_error_in_words
from fleet.notify.compose import named_needs
from fleet.registry.problem import Problem

FOLDER: Final = Path(__file__).parent
_WRITTEN_BY: Final = {audit.SYSTEM: "who.system", audit.COMMAND_LINE: "who.command_line"}
_GATEWAY: Final = "gateway "
DIST: Final = FOLDER / "static" / "dist"

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=()",
}
"""``geolocation`` for « sur site » with its proof, on a technician's phone."""


@dataclass(frozen=True, slots=True)
class Words:
    """Translation and formats of one person at one instant; templates know it as ``w``."""

    lang: str
    now_us: int

    def t(self, key: str, **values: object) -> str:
        """Return a sentence of the catalogue."""
        return t(self.lang, key, **values)

    def word(self, prefix: str, value: str) -> str:
        """Return the word of a value that may be newer than the catalogue."""
        return word(self.lang, prefix, value)

    def reason(self, line: str) -> str:
        """Return what a gateway said, in the person's language."""
        return in_words(self.lang, line)

    def gateway_reason(self, line: str) -> str:
        """Return a reason that a gateway gave, marked where it is the English of an older agent."""
        return gateway_in_words(self.lang, line)

    def is_foreign_prose(self, line: str) -> bool:
        """Return whether a reason is the English of an older gateway, to be marked as such."""
        return is_foreign_prose(self.lang, line)

    def refusal(self, error: ReasonedError | InputRefused) -> str:
        """Return why something typed was refused, with the rule."""
        if isinstance(error, ReasonedError):
            return text(document.rule_of(error.why), self.lang)
        return t(self.lang, error.key, **error.values) if error.key else str(error)

    def sending_error(self, error: str) -> str:
        """Return why a message was not delivered; what carriers and servers said stays in their words."""
        return sending_error_in_words(self.lang, error)

    def needs(self, needs: tuple[str, ...]) -> str:
        """Return what an intervention takes, in words."""
        return named_needs(needs, self.lang)

    def setting(self, path: str) -> str:
        """Return a setting's name in words; a path that is no setting stays as it is."""
        return self.t(f"setting.{name_of(path)}") if rule_of(path) else path

    def phone(self, number: str) -> str:
        """Return a telephone number as people read it."""
        return readable(number)

    def problem(self, found: Problem) -> str:
        """Return what is wrong with a cell or a field of an imported file."""
        if found.rule is not None:
            return text(found.rule, self.lang)
        return t(self.lang, found.key) if found.key else found.text

    def who(self, written: str) -> str:
        """Return who did it: people by name, what is not a person by a word of the catalogue."""
        if written in _WRITTEN_BY:
            return t(self.lang, _WRITTEN_BY[written])
        if written.startswith(_GATEWAY):
            return t(self.lang, "who.gateway", eui=written.removeprefix(_GATEWAY))
        return written

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number grouped by thousands."""
        return formats.number(self.lang, value, decimals)

    def ratio(self, numerator: int, denominator: int, decimals: int = 2) -> str:
        """Return a truncated percentage."""
        return formats.ratio(self.lang, numerator, denominator, decimals)

    def duration(self, us: int) -> str:
        """Return a length of time."""
        return formats.duration(self.lang, us)

    def calm(self, us: int) -> str:
        """Return a length of time without seconds from ten minutes on."""
        return formats.calm(self.lang, us)

    def since(self, at_us: int) -> str:
        """Return how long ago, calmly."""
        return self.calm(max(0, self.now_us - at_us))

    def clock(self, at_us: int, *, seconds: bool = False) -> str:
        """Return the time of day."""
        return formats.clock(self.lang, at_us, seconds=seconds)

    def short(self, at_us: int, *, seconds: bool = False) -> str:
        """Return an instant as short as today allows."""
        return formats.short(self.lang, at_us, self.now_us, seconds=seconds)

    def at(self, at_us: int) -> str:
        """Return an instant as the end of a sentence."""
        return formats.at(self.lang, at_us, self.now_us)

    def moment(self, at_us: int, *, seconds: bool = False) -> str:
        """Return an instant in full."""
        return formats.moment(self.lang, at_us, seconds=seconds)

    def day(self, at_us: int) -> str:
        """Return the Paris day of an instant."""
        return formats.day(self.lang, paris(at_us).date())

    def month(self, at_us: int) -> str:
        """Return the Paris month of an instant in full."""
        return formats.month(self.lang, paris(at_us).date())

    def octets(self, size_bytes: int) -> str:
        """Return a size."""
        return formats.octets(self.lang, size_bytes)

    def euros(self, cents: int) -> str:
        """Return an amount."""
        return formats.euros(self.lang, cents)


@cache
def environment() -> Environment:
    """Return the templates of this package."""
    found = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(asset=asset_address, shape=shapes.shape, mark=shapes.mark, icon=shapes.icon)
    return found


@outside_write
def render(template: str, words: Words, **values: Any) -> str:
    """Return the page of ``template`` for one person."""
    page = environment().get_template(template).render(w=words, t=words.t, lang=words.lang, **values)
    return typographic(page)


_AS_TYPED: Final = re.compile(
    r"<(textarea|script|pre|code|kbd|style)\b[^>]*>.*?</\1>"
    r"|<(\w+)\b[^>]*class=\"mono[^>]*>.*?</\2>"
    r"|<[^>]*>"
    r"|(&#39;|')",
    re.DOTALL,
)


def typographic(page: str) -> str:
    """Return a page whose text has typographic apostrophes, in data too; what is typed or copied stays.

    >>> typographic('<b title="it&#39;s">L&#39;Île</b><input value="L&#39;Île"><code>&#39;</code>')
    '<b title="it’s">L’Île</b><input value="L&#39;Île"><code>&#39;</code>'
    """
    if "&#39;" not in page and "'" not in page:
        return page
    return _AS_TYPED.sub(lambda found: "’" if found[3] else _read_aloud(found[0]), page)


_READ_ALOUD: Final = re.compile(r'(?:aria-label|alt|title)="[^"]*&#39;[^"]*"')


def _read_aloud(markup: str) -> str:
    """Return a tag whose labels have typographic apostrophes."""
    if "&#39;" not in markup:
        return markup
    return _READ_ALOUD.sub(lambda label: label[0].replace("&#39;", "’"), markup)


def asset_address(name: str) -> str:
    """Return the address of a bundled file, changed when its content changes."""
    path = DIST / name
    try:
        stamp = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except FileNotFoundError:
        stamp = "missing"
    return f"/static/dist/{name}?v={stamp}"
