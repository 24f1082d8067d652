"""structlog without what it loads only because it is installed: 9 MB that no gateway has a use for.

Source: ``structlog/dev.py`` imports rich for tracebacks in colours, ``structlog/__init__.py`` twisted for its
logger, ``structlog/_greenlets.py`` greenlet, each where it can be imported; the agent writes logfmt.
"""

import sys

UNUSED = ("greenlet", "rich", "twisted")

_hidden = [name for name in UNUSED if name not in sys.modules]
sys.modules.update(dict.fromkeys(_hidden))  # type: ignore[arg-type]  # None: "not to be imported"
try:
    import structlog
finally:
    for _name in _hidden:
        del sys.modules[_name]

__all__ = ["structlog"]
