"""When the fleet confirms a configuration (DESIGN §4); pure.

A heartbeat proves it that was received after the version was signed, runs that very version,
receives by radio, and has a contractual connector that its server answered; one that brings a release of the
agent, also that frames were heard and delivered since it started.  While the gateway still says
TRIAL the confirmation is sent again, because the last one may have been lost.
"""

from dataclasses import dataclass
from enum import StrEnum

from agent.wire.messages import ConfigState, Heartbeat, Radio
from fleet.durations import SECOND_US

CONFIRM_AGAIN_US = 15 * SECOND_US
"""Well within the shortest trial that matters; a gateway ignores what it knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingChange:
    """A version that a gateway has and may not begin without a permit."""

    eui: str
    sha256: str
    despite: bool = False
    """A person sent it knowing who would lose service: it begins without asking again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One desired version that is not settled, and what is known of it."""

    eui: str
    version: int
    sha256: str
    issued_at_us: int
    confirmed_at_us: int | None
    """When the fleet confirmed it last, microseconds UTC; None: never."""
    reported_state: ConfigState | None = None
    """What the gateway reported last; None: nothing yet."""
    reported_version: int | None = None
    """The version that this report is about."""

    @property
    def still_on_trial(self) -> bool:
        """The gateway says TRIAL of this very version."""
        return self.reported_state is ConfigState.TRIAL and self.reported_version == self.version


def proves_release(heartbeat: Heartbeat | None) -> bool:
    """Return whether a release that was just started heard frames, and an LNS took some."""
    return heartbeat is not None and heartbeat.received > 0 and heartbeat.delivered > 0


class ConfirmReason(StrEnum):
    """Why a version is confirmed."""

    PROVED = "proved"
    """The first heartbeat that proves reception and delivery."""
    STILL_ON_TRIAL = "still_on_trial"
    """The gateway did not get the last confirmation."""


def should_confirm(
    trial: Trial, heartbeat: Heartbeat | None, heartbeat_at_us: int | None, now_us: int
) -> ConfirmReason | None:
    """Return why the version is to be confirmed now; None: it is not."""
    if heartbeat is None or heartbeat_at_us is None or heartbeat_at_us <= trial.issued_at_us:
        return None
    if heartbeat.config_version != trial.version or heartbeat.radio is not Radio.RECEIVING:
        return None
    if not heartbeat.connectors or not heartbeat.connectors[0].up:
        return None
    if trial.confirmed_at_us is None:
        return ConfirmReason.PROVED
    if trial.still_on_trial and now_us - trial.confirmed_at_us >= CONFIRM_AGAIN_US:
        return ConfirmReason.STILL_ON_TRIAL
    return None
