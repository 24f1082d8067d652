"""Which commune a mail is about, by the strongest evidence that it gives; pure.

    1  the address that it went to           pannes+37015@…
    2  an INSEE code that calls itself one   « INSEE 37156 », « [37119] » in the subject, 2A004
    3  the subject                           « Panne à Reugny »
    4  what the sender wrote
    5  who sent it: a town hall              « Mairie de … », its postal address, mairie@reugny.fr
    6  what is answered or sent on           the same again, from 2 on

Weaker evidence that contradicts makes it a question: when two communes fit, nobody is sent, somebody reads.
Five digits alone are a postcode as often as an INSEE code, and count as neither.
"""

import re
from collections.abc import Mapping

from fleet.intake.mail_sections import Sections, cut, forwarded
from fleet.intake.named import Strength, named_in, named_shortly_in, plain

_CALLED = re.compile(
    r"(?i)\binsee\b[^\w\n]{0,3}(?:n°|no|code|:|de la commune)?[^\w\n]{0,3}(\d{5}|2[AB]\d{3})\b"
)
_BRACKETS = re.compile(r"[\[(]\s*(\d{4}[1-9]|2[AB]\d{3})\s*[\])]")
_CORSICAN = re.compile(r"(?<![0-9A-Za-z])(2[AB]\d{3})(?![0-9A-Za-z])")
_TAG = re.compile(r"(?<![0-9A-Za-z])(\d{5}|2[AB]\d{3})(?![0-9A-Za-z])")
_HALL = re.compile(r"(?i)\b(?:mairie|commune|ville|h[ôo]tel de ville|municipalit[ée])\b")
_PREFIX = re.compile(r"(?i)^\s*(?:(?:re|tr|fw|fwd|rép|réf|wg)\s*:\s*)+")
_STREET = re.compile(
    r"(?i)^.*\b(?:rue|place|avenue|boulevard|route|chemin|allée|impasse)\b[^,\n]*$", re.MULTILINE
)

_WEBMAILS = frozenset({"orange", "wanadoo", "gmail", "free", "laposte", "sfr", "outlook", "hotmail", "yahoo"})


def commune_of(
    recipients: tuple[str, ...], sender: str, subject: str, text: str, names: Mapping[str, str]
) -> str | None:
    """Return the commune (of ``names`` by INSEE) that a mail is about; None if somebody must read it."""
    tagged = _tagged(recipients, names)
    if tagged:
        return _only(tagged)
    return _placed(sender, subject, cut(text), names)


def _placed(sender: str, subject: str, sections: Sections, names: Mapping[str, str]) -> str | None:
    title = {one.insee for one in named_in(_PREFIX.sub("", subject), names, title=True)}
    written = _names(sections.words, names)
    if not title | written:
        title = _shortly(f"{_PREFIX.sub('', subject)}\n{sections.words}", names)
    codes = _codes(f"{subject}\n{sections.words}\n{sections.signature}", subject, names)
    hall = _town_halls(sender, sections, names)
    inner = forwarded(sections)
    for found, against in ((codes, title | written), (title, written)):
        if found:
            return _agreed(found, against)
    if written:
        return None if hall - written else _only(written)
    quoted = _placed("", inner.subject, inner, names) if inner is not None else None
    if hall and quoted is not None:
        return _agreed(hall, {quoted})
    if hall:
        return None if inner is not None and _names(inner.words, names) - hall else _only(hall)
    return quoted


def _agreed(found: set[str], against: set[str]) -> str | None:
    """Return the commune that stronger evidence gives, if weaker evidence does not speak of others only."""
    if len(found) == 1:
        return _only(found) if not against or found & against else None
    return _only(found & against)


def _only(found: set[str]) -> str | None:
    return next(iter(found)) if len(found) == 1 else None


def _tagged(recipients: tuple[str, ...], names: Mapping[str, str]) -> set[str]:
    tags = " ".join(address.partition("@")[0].partition("+")[2] for address in recipients)
    codes = {code for code in _TAG.findall(tags) if code in names}
    wanted = {plain(tag) for tag in tags.split()}
    return codes or {insee for insee, name in names.items() if plain(name) in wanted}


def _codes(text: str, subject: str, names: Mapping[str, str]) -> set[str]:
    found = {*_CALLED.findall(text), *_BRACKETS.findall(subject), *_CORSICAN.findall(text)}
    return found & names.keys()


def _names(text: str, names: Mapping[str, str]) -> set[str]:
    return {mention.insee for mention in named_in(text, names)}


def _shortly(text: str, names: Mapping[str, str]) -> set[str]:
    return {mention.insee for mention in named_shortly_in(text, names)}


def _town_halls(sender: str, sections: Sections, names: Mapping[str, str]) -> set[str]:
    """Return the communes whose town hall seems to write: it says so, and where it is."""
    display, _, address = sender.rpartition("<")
    letterhead = f"{display}\n{sections.signature}"
    mentions = named_in(letterhead, names)
    found = {mention.insee for mention in mentions if mention.strength is Strength.TOWN_HALL}
    local, _, domain = address.rstrip("> ").rpartition("@")
    short = named_shortly_in(letterhead, names)
    found = found or {one.insee for one in short if one.strength is Strength.TOWN_HALL and not mentions}
    if found:
        return found
    if _HALL.search(f"{display}\n{local}\n{domain}") or _HALL.search(_STREET.sub("", sections.signature)):
        found = {mention.insee for mention in mentions if mention.strength is Strength.POSTAL}
        return found or _of_address(local, domain, names)
    return set()


def _of_address(local: str, domain: str, names: Mapping[str, str]) -> set[str]:
    """Return the commune that a town hall's address names: mairie@reugny.fr, mairie.reugny@orange.fr."""
    host = domain.partition(".")[0].lower()
    spoken = f"{local} {'' if host in _WEBMAILS else host}"
    words = " ".join(
        word for word in plain(spoken).split() if word not in ("mairie", "commune", "ville", "de")
    )
    joined = words.replace(" ", "")
    return {
        insee
        for insee, name in names.items()
        if plain(name).replace(" ", "") == joined or plain(name) == words
    }
