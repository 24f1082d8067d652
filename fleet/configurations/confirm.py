"""When the fleet confirms a configuration: it has seen the gateway working with it (DESIGN §4); pure.

A heartbeat proves it that was received after the version was signed, runs that very version, receives by
radio, and has a contractual connector that its server answered.  While the gateway still says TRIAL the word
is said again, because the last one may have been lost.
"""

from dataclasses import dataclass

from agent.wire.messages import ConfigReported, ConfigState, Heartbeat, Radio
from fleet.durations import SECOND_US

SAY_AGAIN_US = 15 * SECOND_US
"""Well within the shortest trial that matters; a gateway ignores what it knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One desired version, and what is known of it."""

    version: int
    sha256: str
    issued_at_us: int
    said_at_us: int | None
    """When it was confirmed last."""


def should_confirm(
    trial: Trial,
    heartbeat: Heartbeat | None,
    heartbeat_at_us: int | None,
    reported: ConfigReported | None,
    now_us: int,
) -> str:
    """Return why the version is to be confirmed now, or an empty text."""
    if heartbeat is None or heartbeat_at_us is None or heartbeat_at_us <= trial.issued_at_us:
        return ""
    if heartbeat.config_version != trial.version or heartbeat.radio is not Radio.RECEIVING:
        return ""
    if not heartbeat.connectors or not heartbeat.connectors[0].up:
        return ""
    if trial.said_at_us is None:
        return "first heartbeat that proves reception and delivery"
    on_trial = (
        reported is not None and reported.state is ConfigState.TRIAL and reported.version == trial.version
    )
    if on_trial and now_us - trial.said_at_us >= SAY_AGAIN_US:
        return "the gateway is still on trial"
    return ""
