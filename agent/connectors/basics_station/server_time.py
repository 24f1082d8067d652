"""The server's time, both ways: what it says of UTC, its MuxTime echoed in every frame, and our xtime for it.

Sources: doc.sm.tc/station, "The LNS Protocol", timesync; ``src/s2e.c`` of basicstation 2.0.6 for MuxTime,
RefTime and getxtime.
"""

import json
from collections import Counter
from collections.abc import Callable

from agent.connectors.basics_station.server import parse_timesync
from agent.connectors.basics_station.timesync import Sample, answered, ask_again_us, better, pushed
from agent.connectors.basics_station.uplinks import timesync
from agent.connectors.basics_station.xtime import counter_of, xtime_of
from agent.connectors.ports import Host


class ServerTime:
    """Keeps what one server says of time; ``refused`` counts and logs what cannot be believed."""

    def __init__(self, host: Host, counts: "Counter[str]", refused: Callable[[str, Exception], None]) -> None:
        self._host, self._counts, self._refused = host, counts, refused
        self._next_question_us = 0
        self._asked_us: int | None = None
        self._best: Sample | None = None
        self._mux: tuple[float, int] | None = None

    def connected(self) -> None:
        """Forget the MuxTime of an earlier connection."""
        self._mux = None

    def mux_received(self, mux_time_s: float, now_us: int) -> None:
        """Take in the server's own time, which any of its messages may carry."""
        self._mux = (mux_time_s, now_us)

    def ref_time_s(self, now_us: int) -> float:
        """Return the server's own time at ``now_us``; 0 while it has not said any."""
        if self._mux is None:
            return 0.0
        mux_time_s, at_us = self._mux
        return mux_time_s + (now_us - at_us) / 1_000_000

    def question(self, now_us: int) -> str | None:
        """Return the question for the server's time when one is due."""
        if now_us < self._next_question_us:
            return None
        quality = self._host.clock.quality()
        self._next_question_us = now_us + ask_again_us(known=self._best is not None, quality=quality)
        self._asked_us = now_us
        return timesync(now_us)

    def answer_received(self, message: bytes, now_us: int) -> None:
        """Take in the server's GPS time: an answer to our question, or its time at one of our instants.

        Raises:
            MessageError: a field that is no integer.
        """
        answer, leap_s = parse_timesync(message), self._host.clock.leap_s()
        if answer.txtime and answer.txtime == self._asked_us:
            self._asked_us = None
            sample = answered(sent_us=answer.txtime, received_us=now_us, gps_us=answer.gpstime, leap_s=leap_s)
            self._counts["timesync_round_trip_us"] = now_us - answer.txtime
        else:
            counter_us = counter_of(answer.xtime, self._host.session()) if answer.xtime else None
            instant_us = None if counter_us is None else self._host.monotonic_of(counter_us)
            sample = pushed(instant_us=instant_us, received_us=now_us, gps_us=answer.gpstime, leap_s=leap_s)
        if sample is None:
            self._counts["timesync_useless"] += 1
            return
        self._best = better(self._best, sample)
        if self._best is sample:
            self._believe(sample)

    def _believe(self, sample: Sample) -> None:
        try:
            self._host.clock.accept(sample.reading())
        except ValueError as error:
            self._refused("timesync_refused", error)
            self._best = None

    def xtime_answer(self, mux_time_s: float | None, now_us: int) -> str:
        """Return the answer to getxtime: this instant on our clocks, its xtime 0 while the radio is off."""
        origin_us = self._host.monotonic_of(0)
        xtime = 0 if origin_us is None else xtime_of(now_us - origin_us, self._host.session())
        return json.dumps(
            {
                "msgtype": "getxtime",
                "MuxTime": mux_time_s or 0.0,
                "ustime": now_us / 1_000_000,
                "UTCtime": self._host.clock.utc_us() / 1_000_000,
                "xtimes": [xtime],
            },
            separators=(",", ":"),
        )
