"""Libraries of others, loaded without what they bring along and no gateway has a use for: 12 MB in all.

Sources: ``structlog/dev.py`` imports rich for tracebacks in colours, ``structlog/__init__.py`` twisted for
its logger, ``structlog/_greenlets.py`` greenlet, each where it can be imported; the agent writes logfmt.
``paho/mqtt/client.py`` 2.1 and ``websockets/proxy.py`` 17 import ``urllib.request``, and with it
``http.client`` and ``email``, for proxies: paho asks nothing of it where PySocks is absent, websockets
nothing where it is given ``proxy=None``.  ``websockets/version.py`` imports ``importlib.metadata`` for
versions that are no release.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def importing(*, absent: tuple[str, ...] = (), empty: tuple[str, ...] = ()) -> Iterator[None]:
    """Let imports in the body find no module of ``absent``, and nothing in those of ``empty``.

    What was loaded before is found as it is where it is ``empty``, and there again afterwards.
    """
    before = {name: sys.modules[name] for name in (*absent, *empty) if name in sys.modules}
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: "not to be imported"
    sys.modules.update({name: before.get(name, ModuleType(name)) for name in empty})
    try:
        yield
    finally:
        for name in (*absent, *empty):
            del sys.modules[name]
        sys.modules.update(before)


with importing(absent=("greenlet", "rich", "twisted")):
    import structlog

with importing(absent=("socks",), empty=("urllib.request",)):
    import paho.mqtt.client as mqtt

__all__ = ["importing", "mqtt", "structlog"]
