"""The language of who types: ``--lang``, else what the environment says, else French."""

import os
from collections.abc import Mapping
from typing import Annotated, Final

from typer import Option

from fleet.lang.i18n import DEFAULT_LANGUAGE, LANGUAGES

VARIABLES: Final = ("PASSERELLE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that names a language of ours counts; ``C`` and ``POSIX`` name none (POSIX, « Locale »)."""

Lang = Annotated[str, Option(help="fr or en; left out: as PASSERELLE_LANG or the locale says.")]


def spoken(asked: str = "", environment: Mapping[str, str] = os.environ) -> str:
    """Return the language to answer in.

    >>> spoken("", {"LC_ALL": "C", "LANG": "en_GB.UTF-8"}), spoken("fr", {"LANG": "en_GB"}), spoken("", {})
    ('en', 'fr', 'fr')
    """
    for named in (asked, *(environment.get(name, "") for name in VARIABLES)):
        if (code := named[:2].lower()) in LANGUAGES:
            return code
    return DEFAULT_LANGUAGE
