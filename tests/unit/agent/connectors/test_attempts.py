"""The alternatives of one downlink: which are tried, how often, and what server and operator learn."""

from collections.abc import Callable

import pytest

from agent.connectors.attempts import CHIRPSTACK_WAIT_LIMIT_US, IMMEDIATE_TRIES, Attempts
from agent.connectors.ports import Outcome
from agent.downlink.model import AtTmst, Code, Downlink, DownlinkVerdict, Immediate, Timing
from agent.wire import reasons
from hal.packets import Lora
from hal.units import Hz

SENT = Outcome(sent=True, reason=reasons.downlink.sent(), start_us=5, code=Code.OK)


def unsent(code: Code) -> Outcome:
    return Outcome(sent=False, reason=reasons.downlink.missed(), start_us=5, code=code)


MISSED, DISPLACED, FAILED, OCCUPIED = (
    unsent(code) for code in (Code.TOO_LATE, Code.COLLISION_PACKET, Code.INTERNAL, Code.LBT)
)


class Radio:
    """Takes what it is told to take, and ends it as it is told."""

    def __init__(self, *verdicts: Code, ahead_us: int = 0) -> None:
        self.verdicts = list(verdicts)
        self.ahead_us = ahead_us
        self.pending: list[Callable[[Outcome], None]] = []
        self.submitted: list[Timing] = []
        self.done: list[tuple[list[Code], Outcome | None]] = []
        self.lost: list[Code] = []

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None]) -> DownlinkVerdict:
        self.submitted.append(downlink.timing)
        code = self.verdicts.pop(0) if self.verdicts else Code.OK
        if code is Code.OK:
            self.pending.append(outcome)
        return DownlinkVerdict(code=code, ahead_us=self.ahead_us)

    def run(self, timings: list[Timing], outcomes: list[Outcome]) -> None:
        downlinks = [
            Downlink(payload=b"?", modulation=Lora(sf=7), frequency_hz=Hz(868_100_000), timing=timing)
            for timing in timings
        ]
        Attempts(
            downlinks,
            self.submit,
            lambda codes, _verdict, outcome: self.done.append((list(codes), outcome)),
            lost=self.lost.append,
            wait_limit_us=CHIRPSTACK_WAIT_LIMIT_US,
        ).start()
        for outcome in outcomes:
            self.pending.pop(0)(outcome)


A, C = AtTmst(9), Immediate()


@pytest.mark.parametrize(
    ("timings", "verdicts", "outcomes", "codes", "tried", "lost"),
    [
        ([A], [Code.OK], [SENT], [Code.OK], 1, []),
        ([A], [Code.TOO_LATE], [], [Code.TOO_LATE], 1, []),
        ([A, A], [Code.TOO_LATE, Code.OK], [SENT], [Code.TOO_LATE, Code.OK], 2, []),
        ([A], [Code.OK], [MISSED], [Code.TOO_LATE], 1, [Code.TOO_LATE]),
        ([A], [Code.OK], [DISPLACED], [Code.COLLISION_PACKET], 1, [Code.COLLISION_PACKET]),
        ([A], [Code.OK], [FAILED], [Code.INTERNAL], 1, [Code.INTERNAL]),
        ([A], [Code.OK], [OCCUPIED], [Code.LBT], 1, [Code.LBT]),
        ([A, A], [Code.OK, Code.OK], [MISSED, SENT], [Code.TOO_LATE, Code.OK], 2, []),
        (
            [A, A],
            [Code.OK, Code.DUTY_CYCLE],
            [MISSED],
            [Code.TOO_LATE, Code.DUTY_CYCLE],
            2,
            [Code.DUTY_CYCLE],
        ),
        ([C], [Code.OK, Code.OK], [MISSED, SENT], [Code.OK], 2, []),
        ([C], [Code.OK, Code.OK, Code.OK], [MISSED, DISPLACED, SENT], [Code.OK], 3, []),
        ([C], [], [MISSED] * IMMEDIATE_TRIES, [Code.TOO_LATE], IMMEDIATE_TRIES, [Code.TOO_LATE]),
        ([C], [Code.OK], [FAILED], [Code.INTERNAL], 1, [Code.INTERNAL]),
        ([C], [Code.OK], [OCCUPIED], [Code.LBT], 1, [Code.LBT]),
        ([C], [Code.OK, Code.QUEUE_FULL], [MISSED], [Code.TOO_LATE], 2, [Code.TOO_LATE]),
    ],
)
def test_table(
    timings: list[Timing],
    verdicts: list[Code],
    outcomes: list[Outcome],
    codes: list[Code],
    tried: int,
    lost: list[Code],
) -> None:
    radio = Radio(*verdicts)
    radio.run(timings, outcomes)
    assert [found for found, _ in radio.done] == [codes]
    assert (len(radio.submitted), radio.lost) == (tried, lost)


def test_what_was_acknowledged_early_and_is_missed_is_counted_though_its_server_hears_no_more() -> None:
    radio = Radio(Code.OK, ahead_us=CHIRPSTACK_WAIT_LIMIT_US + 1)
    radio.run([A], [MISSED])
    assert radio.done == [([Code.OK], None)]
    assert radio.lost == [Code.TOO_LATE]
