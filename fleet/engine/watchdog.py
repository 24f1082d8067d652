"""The fleet manager's own watchdog: a part that stands still ends the process, and systemd starts it again.

    each part moves  ->  WATCHDOG=1 to systemd, the timer is wound up again
    one stands still for HUNG_AFTER_S  ->  every thread's stack on stderr, exit 1

The timer is the interpreter's own (``faulthandler``): it fires beside all threads and locks, even when none
of our code can run.  A part that fails and tries again moves: restarting mends no database that is away.

Sources: sd_notify(3) of systemd 252; Python's ``faulthandler.dump_traceback_later(exit=True)``, exits with 1.
"""

import asyncio
import faulthandler
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sdnotify

HUNG_AFTER_S = 180.0
"""The longest honest step is reading the evidence of 20,000 gateways anew when a month begins, about a
minute; the watchman on another host pages after the same three minutes (DESIGN §7)."""
START_LIMIT_S = 900.0
"""Migrations and the first reading of the evidence."""
LOOK_EVERY_S = 5.0
TICK_S = 1.0
"""How often the event loop shows that it turns."""

Progress = Mapping[str, Callable[[], object]]


@dataclass(slots=True)
class Watch:
    """Says when every part moved since it last said so; pure."""

    _seen: dict[str, object] = field(default_factory=dict)
    _moved: set[str] = field(default_factory=set)

    def look(self, now: Mapping[str, object]) -> bool:
        """Return whether every part has another value than when this was last true."""
        for name, value in now.items():
            if self._seen.get(name, self) != value:
                self._seen[name] = value
                self._moved.add(name)
        if self._moved != now.keys():
            return False
        self._moved.clear()
        return True


@dataclass(slots=True)
class Ticks:
    """Counts the turns of an event loop."""

    count: int = 0

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            self.count += 1
            await asyncio.sleep(TICK_S)


class Watchdog:
    """A thread that looks at every part; ``progress`` gives, by name, what changes while a part works."""

    def __init__(
        self, progress: Progress, *, hung_after_s: float = HUNG_AFTER_S, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._progress = progress
        self._hung_after_s = hung_after_s
        self._look_every_s = look_every_s
        self._notifier = sdnotify.SystemdNotifier()
        self._stopping = threading.Event()

    def start(self, *, within_s: float = START_LIMIT_S) -> None:
        """Begin to look; ``within_s`` is what every part may take until it moves for the first time."""
        faulthandler.dump_traceback_later(within_s, exit=True)
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def ready(self) -> None:
        """Tell systemd that pages are served."""
        self._notifier.notify("READY=1")

    def stop(self) -> None:
        """Look no more: the process ends."""
        self._stopping.set()
        self._notifier.notify("STOPPING=1")
        faulthandler.cancel_dump_traceback_later()

    def _run(self) -> None:
        watch = Watch()
        while not self._stopping.wait(self._look_every_s):
            if watch.look({name: value() for name, value in self._progress.items()}):
                faulthandler.dump_traceback_later(self._hung_after_s, exit=True)
                self._notifier.notify("WATCHDOG=1")
