"""Reasons as gateways and the command line wrote them down, in the person's language; pure."""

from agent.wire.words import french_reason
from fleet.identity import audit
from fleet.web.i18n import catalogue
from fleet.web.rendering import Words

WRITTEN_BY = {audit.SYSTEM: "who.system", audit.COMMAND_LINE: "who.command_line"}
GATEWAY = "gateway "


def reason_of(words: Words, text: str) -> str:
    """Return a gateway's reason; English is what they speak on the wire."""
    if words.lang != "fr":
        return text
    key = f"reason.{text}"
    return words.t(key) if key in catalogue() else french_reason(text)


def who_of(words: Words, who: str) -> str:
    """Return who did it: people by name, what is not a person by a word of the catalogue."""
    if who in WRITTEN_BY:
        return words.t(WRITTEN_BY[who])
    if who.startswith(GATEWAY):
        return words.t("who.gateway", eui=who.removeprefix(GATEWAY))
    return who
