"""In a network namespace of its own: the way to the broker becomes a black hole, then heals.

Run by ``test_black_hole.py`` under ``unshare --net``; prints one JSON line.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.controlpath.rig import Rig

BROKER = "127.0.0.2"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def main() -> None:
    """Cut, hear frames meanwhile, heal, and tell the times."""
    ip("link", "set", "lo", "up")
    folder = Path(sys.argv[1])
    with Rig(folder, broker_bind="0.0.0.0", broker_host=BROKER) as rig:
        began = time.monotonic()
        rig.start()
        rig.wait_serving(began)
        cut = time.monotonic()
        ip("route", "add", "blackhole", f"{BROKER}/32", "table", "local")
        rig.frames(20)
        rig.wait(lambda leaf, one: leaf == "presence" and not one.online, since=cut, limit_s=120)
        noticed = time.monotonic() - cut
        time.sleep(5)
        healed = time.monotonic()
        ip("route", "del", "blackhole", f"{BROKER}/32", "table", "local")
        back = rig.wait(lambda leaf, one: leaf == "presence" and one.online, since=healed)
        print(json.dumps({"noticed_s": noticed, "back_s": back, "lost": rig.wait_delivered()}))


if __name__ == "__main__":
    main()
