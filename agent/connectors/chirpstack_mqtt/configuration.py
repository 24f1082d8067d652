"""GatewayConfiguration: the channels that the server would have the radio listen to; protobuf, pure.

Source: ``api/proto/gw/gw.proto`` of ChirpStack 4.20 (field numbers).
"""

from dataclasses import dataclass

from agent.connectors.chirpstack_mqtt.commands import CommandError
from agent.connectors.chirpstack_mqtt.protobuf import ProtobufError, fields
from agent.connectors.radio_plan import MULTI_SF_BANDWIDTH_HZ, RadioPlan

CHANNELS_LIMIT = 64
VERSION_LIMIT_CHARACTERS = 128
FACTORS = range(5, 13)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfiguration:
    """What we keep of one."""

    version: str
    plan: RadioPlan


def parse_configuration(payload: bytes) -> GatewayConfiguration:
    """Return the plan of a ``command/config``.

    Raises:
        CommandError: no GatewayConfiguration, or a channel that no concentrator has.
    """
    version, channels = "", []
    try:
        for field, value in fields(payload):
            if field == 2 and isinstance(value, bytes):
                version = value.decode()
            elif field == 3 and isinstance(value, bytes):
                channels.append(dict(fields(value)))
        if len(version) > VERSION_LIMIT_CHARACTERS or len(channels) > CHANNELS_LIMIT:
            raise CommandError(f"channels: {len(channels)}, at most {CHANNELS_LIMIT}; or version too long")
        return GatewayConfiguration(version=version, plan=_plan(channels))
    except (ProtobufError, UnicodeDecodeError) as error:
        raise CommandError(str(error)) from error


def _plan(channels: list[dict[int, int | bytes]]) -> RadioPlan:
    multi: set[int] = set()
    service: tuple[int, int, int] | None = None
    fsk: tuple[int, int] | None = None
    for channel in channels:
        frequency = channel.get(1, 0)
        if not isinstance(frequency, int) or not frequency:
            raise CommandError("channels.frequency: missing")
        lora, other = channel.get(3), channel.get(4)
        if isinstance(lora, bytes):
            bandwidth, factors = _lora(lora)
            if bandwidth == MULTI_SF_BANDWIDTH_HZ and len(factors) != 1:
                multi.add(frequency)
            elif len(factors) == 1:
                service = (frequency, bandwidth, factors[0])
            else:
                raise CommandError(f"channels.spreading_factors: {len(factors)} at {bandwidth} Hz")
        elif isinstance(other, bytes):
            bitrate = dict(fields(other)).get(2, 0)
            if not isinstance(bitrate, int) or not 500 <= bitrate <= 250_000:
                raise CommandError("channels.bitrate: not 500 to 250000")
            fsk = (frequency, bitrate)
    return RadioPlan(multi=frozenset(multi), service=service, fsk=fsk)


def _lora(content: bytes) -> tuple[int, list[int]]:
    """Return bandwidth in Hz and the spreading factors, packed or not."""
    bandwidth, factors = 0, []
    for field, value in fields(content):
        if field == 3 and isinstance(value, int):
            bandwidth = value
        elif field == 1 and isinstance(value, int):
            bandwidth = bandwidth or value * 1000
        elif field == 2:
            factors += [value] if isinstance(value, int) else list(value)
    if bandwidth not in {125_000, 250_000, 500_000} or not all(factor in FACTORS for factor in factors):
        raise CommandError(f"channels: {bandwidth} Hz with SF {factors[:8]}")
    return bandwidth, factors
