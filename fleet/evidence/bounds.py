"""Whether what a message says can be kept: numbers within 63 bits, texts short and without NUL.

Sources: sqlite.org/datatype3.html (8-byte integers); PostgreSQL 17 manual §8.3 (text holds no NUL).
"""

import msgspec

INTEGER_LIMIT = 2**63 - 1
TEXT_LIMIT_CHARACTERS = 500


class Unusable(ValueError):
    """A well-formed message whose content cannot be kept; names the field."""


def check_bounds(value: object, path: str = "") -> None:
    """Return if every number and text of a message can be kept by both databases.

    Raises:
        Unusable: names the field and the limit.
    """
    match value:
        case None | bool() | float():
            return
        case int() if not -INTEGER_LIMIT <= value <= INTEGER_LIMIT:
            raise Unusable(f"{path}: {value} is beyond 63 bits")
        case str() if len(value) > TEXT_LIMIT_CHARACTERS or "\0" in value:
            raise Unusable(f"{path}: {len(value)} characters, at most {TEXT_LIMIT_CHARACTERS}, and no NUL")
        case msgspec.Struct():
            for name in value.__struct_fields__:
                check_bounds(getattr(value, name), name)
        case dict():
            for name, inner in value.items():
                check_bounds(name, path)
                check_bounds(inner, f"{path}.{name}")
        case tuple() | list():
            for index, inner in enumerate(value):
                check_bounds(inner, f"{path}[{index}]")
        case _:
            return
