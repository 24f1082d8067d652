"""paho's MQTT client without what it loads for proxies, which no gateway speaks MQTT through: 1.5 MB.

Source: ``paho/mqtt/client.py`` 2.1 imports ``urllib.request``, and with it ``http.client`` and ``email``, for
``_get_proxy``, which asks nothing of it where PySocks is absent.
"""

import sys
from types import ModuleType

REQUEST, SOCKS = "urllib.request", "socks"

_before = {name: sys.modules[name] for name in (REQUEST, SOCKS) if name in sys.modules}
sys.modules[REQUEST] = _before.get(REQUEST, ModuleType(REQUEST))
sys.modules[SOCKS] = None  # type: ignore[assignment]  # None: "not to be imported"
try:
    import paho.mqtt.client as mqtt
finally:
    del sys.modules[REQUEST], sys.modules[SOCKS]
    sys.modules.update(_before)

__all__ = ["mqtt"]
