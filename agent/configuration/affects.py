"""Whether a change of configuration touches the service to sensors (pure).

Radio and connectors do: the gateway may be deaf or mute for a moment, so that a change waits for the fleet's
permit, given when no neighbour is away (DESIGN §8).  Intervals, bounds and the broker do not.
"""

from agent.wire.configuration import Configuration


def service_affecting(before: Configuration, after: Configuration) -> bool:
    """Return whether frames may be missed or held up while ``before`` becomes ``after``."""
    return before.radio != after.radio or before.connectors != after.connectors
