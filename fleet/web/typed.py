"""Text that people type or programs send, in forms and JSON: folded as it comes in, before its length counts.

    Line        names, reasons, addresses: line breaks of every kind become spaces
    Paragraph   what may have several lines: line breaks of every kind become plain ones
    Secret      passwords: never folded, never shown

What is invisible is removed from both (``fleet.lang.text``).  A test walks the application and refuses a text
field that is none of these.
"""

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from fleet.lang.text import one_line, paragraph


def _line(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def _paragraph(value: object) -> object:
    return paragraph(value) if isinstance(value, str) else value


def _as_typed(value: object) -> object:
    return value


Line: TypeAlias = Annotated[str, BeforeValidator(_line)]
Paragraph: TypeAlias = Annotated[str, BeforeValidator(_paragraph)]
Secret: TypeAlias = Annotated[str, BeforeValidator(_as_typed)]
