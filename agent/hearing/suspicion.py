"""What this gateway's ears are judged by: frames and noise of each hour of the day, test frames, silence.

Each ground that begins or ends is an event ``hearing`` with its reason; whether anything is restarted is
decided in ``step``.  What was learned survives restarts, and so does how far the ladder was climbed: a
restart of the process or the machine is a stage, not a new beginning.
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum

import msgspec

from agent.clock import Clock
from agent.hearing.expectation import (
    FEWER_HOURS,
    HOUR_US,
    SAMPLES_AN_HOUR,
    Floor,
    NoisePast,
    Past,
    fewer,
    judge_noise,
    learn,
    learn_noise,
    suspicion,
    usual_frames,
)
from agent.journal_port import JournalPort
from agent.observation import DataPathState
from agent.wire.messages import Radio, TimeQuality
from agent.wire.reasons import Reason


class Ground(StrEnum):
    """Why a gateway suspects that it hears less than it should."""

    SILENCE = "silence"
    FEWER = "fewer"
    NOISE_FALLEN = "noise_fallen"
    NOISE_RAISED = "noise_raised"
    """Reported only: somebody disturbs, and no restart helps."""
    TEST_FRAME = "test_frame"
    REFERENCE = "reference"


LESS = (Ground.TEST_FRAME, Ground.REFERENCE, Ground.NOISE_FALLEN, Ground.FEWER)


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """The own past, as on disk; bounded by the hours of a day."""

    frames: Past = Past()
    noise: NoisePast = NoisePast()


class Hearing:
    """Looked at every few seconds by the supervisor."""

    def __init__(
        self,
        *,
        learned: Learned,
        clock: Clock,
        journal: JournalPort,
        test_frames: Callable[[], Reason | None],
        measured_dbm: Callable[[], float | None],
    ) -> None:
        self.learned = learned
        self._clock, self._journal, self._test_frames = clock, journal, test_frames
        self._measured_dbm = measured_dbm
        self._hour = _Hour()
        self._hours: deque[tuple[float, int]] = deque(maxlen=FEWER_HOURS)
        self._grounds: dict[Ground, Reason | None] = {}
        self._recorded: dict[Ground, Reason | None] = {}
        self._total_at_last_look = 0
        self._silent_from_us = clock.utc_us()
        self._receiving_since_us = clock.monotonic_us()
        self.frame_since_last_look = False
        """A frame came since the last look."""

    def acted(self) -> None:
        """Count silence anew: a stage was tried."""
        self._silent_from_us = self._clock.utc_us()
        self._grounds.pop(Ground.SILENCE, None)

    def look(self, path: DataPathState, *, learning: bool = True) -> None:
        """Learn if ``learning`` (a suspected silence is no past), judge, and record what changed."""
        utc_us, total = self._clock.utc_us(), path.received + path.crc_failed
        receiving = path.radio is Radio.RECEIVING
        self.frame_since_last_look = total != self._total_at_last_look
        if self.frame_since_last_look or not receiving:
            self._total_at_last_look, self._silent_from_us = total, utc_us
        if self._clock.quality() is TimeQuality.UNTRUSTED:
            self._hour = _Hour()
            self._hours.clear()
            self._grounds.clear()
        else:
            ended = self._hour.look(utc_us, path, receiving=receiving, measured_dbm=self._measured_dbm())
            if ended is not None:
                self._judge_hour(ended)
                if learning:
                    self._learn_hour(ended)
            self._grounds[Ground.SILENCE] = suspicion(self.learned.frames, self._silent_from_us, utc_us)
        self._grounds[Ground.TEST_FRAME] = self._test_frames()
        if not receiving:
            self._receiving_since_us = self._clock.monotonic_us()
        self._grounds[Ground.REFERENCE] = (
            None
            if path.reference is None
            else path.reference.suspicion(self._clock.monotonic_us(), self._receiving_since_us)
        )
        self._record_changes()

    def grounds(self) -> tuple[Reason, ...]:
        """Return every reason to suspect the own ears, as it stands."""
        return tuple(why for ground in Ground if (why := self._grounds.get(ground)) is not None)

    @property
    def silent(self) -> Reason | None:
        """Why the silence since the last stage is strange, or None."""
        return self._grounds.get(Ground.SILENCE)

    @property
    def less(self) -> Reason | None:
        """Why this gateway hears less than it used to, or None."""
        return next((why for ground in LESS if (why := self._grounds.get(ground)) is not None), None)

    def _judge_hour(self, hour: "Hour") -> None:
        usual = usual_frames(self.learned.frames, hour.of_day)
        if usual is None:
            self._hours.clear()
        else:
            self._hours.append((usual, hour.frames))
        self._grounds[Ground.FEWER] = fewer(tuple(self._hours))
        floor, why = Floor.UNKNOWN, None
        if hour.floor_dbm is not None:
            floor, why = judge_noise(self.learned.noise, hour.of_day, hour.floor_dbm)
        self._grounds[Ground.NOISE_FALLEN] = why if floor is Floor.FALLEN else None
        self._grounds[Ground.NOISE_RAISED] = why if floor is Floor.RAISED else None

    def _learn_hour(self, hour: "Hour") -> None:
        noise = self.learned.noise
        if hour.floor_dbm is not None:
            noise = learn_noise(noise, hour.of_day, hour.floor_dbm)
        frames = learn(self.learned.frames, hour.of_day, hour.frames)
        self.learned = Learned(frames=frames, noise=noise)

    def _record_changes(self) -> None:
        for ground in Ground:
            why, before = self._grounds.get(ground), self._recorded.get(ground)
            if (why is None) == (before is None):
                continue
            self._recorded[ground] = why
            fields: dict[str, str | int | float] = {
                "ground": ground.value,
                "state": "over" if why is None else "suspected",
            }
            reason = why or before
            self._journal.note("hearing", fields, {} if reason is None else {"reason": reason})


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """A whole hour in which the radio received."""

    of_day: int
    """UTC."""
    frames: int
    floor_dbm: float | None
    """None when too few frames of this hour tell of it."""


class _Hour:
    """The hour that runs, counted only if the radio received in all of it."""

    def __init__(self) -> None:
        self._number = -1
        self._from_total = 0
        self._from_samples = 0
        self._whole = False

    def look(
        self, utc_us: int, path: DataPathState, *, receiving: bool, measured_dbm: float | None
    ) -> Hour | None:
        """Return the hour that has ended, if it was a whole one."""
        number, total = utc_us // HOUR_US, path.received + path.crc_failed
        ended = None
        if number != self._number:
            if self._whole and number == self._number + 1:
                estimated = path.noise_samples - self._from_samples >= SAMPLES_AN_HOUR
                ended = Hour(
                    of_day=self._number % 24,
                    frames=total - self._from_total,
                    floor_dbm=measured_dbm or (path.noise_dbm if estimated else None),
                )
            self._whole = self._number >= 0 and number == self._number + 1
            self._number, self._from_total, self._from_samples = number, total, path.noise_samples
        self._whole = self._whole and receiving
        return ended
