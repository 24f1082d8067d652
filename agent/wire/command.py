"""Commands of the fleet to one gateway: a closed list, no shell.

An ``Envelope`` of kind COMMAND on ``command/{id}`` carries a ``Command`` as JSON; the answer is a ``Reply``
on ``reply/{id}``.  Each is signed, expires, has its own version and is carried out at most once.
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from agent.wire import reasons
from agent.wire.configuration import Strict
from agent.wire.misfit import misfit
from agent.wire.resolved import resolved

LONGEST_S = 600
LOG_LINES_LIMIT = 100
SPEED_LIMIT_BYTES = 4_000_000


class Action(StrEnum):
    """What a gateway can be told to do."""

    RESTART = "restart"
    """The agent's process."""
    RESET_CONCENTRATOR = "reset_concentrator"
    SPECTRAL_SCAN = "spectral_scan"
    SELF_TEST = "self_test"
    LOG_EXCERPT = "log_excerpt"
    SPEED_TEST = "speed_test"
    REBOOT = "reboot"
    """The whole machine."""
    ROTATE_KEY = "rotate_key"
    SEND_TEST_FRAME = "send_test_frame"
    """Within the duty cycle, for a neighbour to hear (``testframe.py``)."""
    HEAR_TEST_FRAME = "hear_test_frame"
    SHOW_CODE = "show_code"
    """The code that proves to the fleet who stands in front of it (``onsite.py``)."""


SERVICE_AFFECTING = frozenset({Action.RESTART, Action.RESET_CONCENTRATOR, Action.REBOOT})
"""The radio is away for a moment; the fleet asks for these with redundancy in mind."""


class Command(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """One command; fields that an action does not use are ignored.

    Defaults are not written, so that an older gateway understands every command that it knows.
    """

    action: Action
    limit_s: Annotated[int, Meta(ge=1, le=LONGEST_S)] = 60
    """After this the command is given up and answered as failed."""
    lines: Annotated[int, Meta(ge=1, le=LOG_LINES_LIMIT)] = 50
    limit_bytes: Annotated[int, Meta(ge=2_000, le=SPEED_LIMIT_BYTES)] = 400_000
    """Bytes of a speed test, both directions together."""
    nonce: Annotated[str, Meta(pattern=r"^([0-9a-f]{16})?$")] = ""
    """Names one test frame: the same for who sends and who hears."""
    sender: Annotated[str, Meta(pattern=r"^([0-9a-f]{16})?$")] = ""
    """EUI of the gateway that sends the test frame."""
    challenge: Annotated[str, Meta(pattern=r"^([0-9a-f]{66})?$")] = ""
    """Public half of the key that the fleet made for this question (``onsite.py``)."""
    ticket: Annotated[int, Meta(ge=0)] = 0
    """The ticket that the code is for."""
    show_s: Annotated[int, Meta(ge=1, le=LONGEST_S)] = LONGEST_S
    """How long the code is shown."""


resolved(Command)


class CommandError(reasons.ReasonedError, ValueError):
    """A payload that is not a command; ``why`` names the field."""


def encode_command(command: Command) -> bytes:
    """Return the payload of a COMMAND envelope."""
    return msgspec.json.encode(command)


def decode_command(payload: bytes) -> Command:
    """Return the command in ``payload``.

    Raises:
        CommandError: not JSON, not of the list, or a value outside its rule.
    """
    try:
        return msgspec.json.decode(payload, type=Command)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise CommandError(reasons.command.unfit(cause=misfit(Command, payload, error))) from error
