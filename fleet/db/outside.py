"""Work that may not happen while its thread holds a write transaction: hash, parse, render, wait.

SQLite has one writer, and the engine is one: whatever a request computes inside its transaction, every
gateway waits for.  ``outside_write`` marks what takes long; it refuses to run inside, and a test follows
every route of the application to every mark (``tests/unit/fleet/web/test_short_writes.py``).
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

MARK = "__outside_write__"
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


HELD: ContextVar[int] = ContextVar("write_transactions", default=0)
"""How many write transactions this thread is inside of; ``fleet.db.connect`` counts them."""


class InsideWrite(RuntimeError):
    """Our mistake: long work was called inside a write transaction."""


def outside_write(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Mark long work.

    Raises:
        InsideWrite: by the marked function, when its thread holds a write transaction.
    """

    @wraps(function)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if HELD.get():
            raise InsideWrite(f"{function.__qualname__}: takes long; call it before the write transaction")
        return function(*args, **kwargs)

    setattr(checked, MARK, True)
    return checked
