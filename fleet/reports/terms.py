"""What the contract says beside its figures: until when they may be contested, and what a breach costs.

A penalty is a formula in the settings, worked out for each commune that misses its promise; none by default.
Numbers, ``+ - * /``, parentheses, ``min`` and ``max``, and these names, are all that it may hold:

    points      how far below the promise, in points of percent
    heures      time lost beyond the commune's budget, in hours
    habitants   inhabitants of the commune

Its value is an amount in euros, truncated to cents, never below 0.  Pure.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Annotated

import msgspec

from fleet.availability.figures import CommuneFigures
from fleet.availability.reckoning import MonthInput, MonthResult
from fleet.durations import HOUR_US
from fleet.facts.months import closes_at_us
from fleet.lang.format import NARROW, day
from fleet.lang.paris import paris, paris_us

FORMULA_LIMIT = 200
"""Signs of a formula."""
NAMES = ("points", "heures", "habitants")
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: dict[str, Callable[..., Fraction]] = {"min": min, "max": max}


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``report`` of fleet.json."""

    contest_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 30
    """Days after the closing of a version within which it may be contested."""
    contest_to: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Address to write to; empty: the sender of the report."""
    penalty: Annotated[str, msgspec.Meta(max_length=FORMULA_LIMIT)] = ""
    """Formula of the amount that a commune in breach is owed, in euros; empty: none."""

    def __post_init__(self) -> None:
        if self.penalty:
            amount(self.penalty, dict.fromkeys(NAMES, Fraction(1)))


DEFAULT_TERMS = Terms()


def amount(formula: str, values: Mapping[str, Fraction]) -> int:
    """Return the value of a formula in cents, truncated, at least 0.

    >>> amount("min(500, 100 * points) + 1 / habitants", {"points": Fraction(3), "habitants": Fraction(25)})
    30004

    Raises:
        ValueError: it holds something else than numbers, operators, ``min``, ``max`` and the names.
    """
    try:
        tree = ast.parse(formula, mode="eval").body
        return max(0, int(_value(tree, values) * 100))
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"penalty: {formula!r} is no formula: {error}") from error
    except ZeroDivisionError as error:
        raise ValueError(f"penalty: {formula!r} divides by 0") from error


def penalty_cents(terms: Terms, given: MonthInput, result: MonthResult, insee: str) -> int | None:
    """Return what a commune is owed for a month; None: no formula, or the promise is held."""
    one = result.commune_figures[insee]
    if not terms.penalty or one.share.meets(given.settings.objective_commune_ppm) is not False:
        return None
    card = next((card for card in given.communes if card.insee == insee), None)
    values = {
        "points": _points(one, given.settings.objective_commune_ppm),
        "heures": Fraction(max(0, -result.budgets[insee].left), HOUR_US),
        "habitants": Fraction(card.population if card else 0),
    }
    return amount(terms.penalty, values)


def how_to_contest(month: str, closed_at_us: int | None, terms: Terms) -> str:
    """Return to whom and until when to write, in a sentence."""
    to = f"à {terms.contest_to}" if terms.contest_to else "à l’exploitant, en réponse à l’envoi du rapport"
    if closed_at_us is None:
        return (
            f"Pour contester{NARROW}: écrire {to}, dans les {terms.contest_days} jours qui suivent la "
            f"clôture (au plus tôt le {day('fr', paris(closes_at_us(month)).date(), weekday=False)})."
        )
    last = paris(contested_until_us(closed_at_us, terms) - 1).date()
    return f"Pour contester{NARROW}: écrire {to}, jusqu’au {day('fr', last, weekday=False)} inclus."


def contested_until_us(closed_at_us: int, terms: Terms) -> int:
    """Return when the time to contest a version ends: the end of that day in Paris."""
    last = paris(closed_at_us).date() + timedelta(days=terms.contest_days + 1)
    return paris_us(last.year, last.month, last.day)


def _points(one: CommuneFigures, objective_ppm: int) -> Fraction:
    share = one.share.ratio
    return Fraction(0) if share is None else max(Fraction(0), Fraction(objective_ppm, 10_000) - share * 100)


def _value(tree: ast.expr, values: Mapping[str, Fraction]) -> Fraction:
    match tree:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return Fraction(str(number))
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=[_, _, *_] as parts, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_value(part, values) for part in parts))
        case _:
            raise ValueError(f"penalty: {ast.unparse(tree)!r} may not stand in a formula")
