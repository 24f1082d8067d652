"""What the gateway does with keys: asked of a process of its own, ``cryptography`` is 12 MB of memory.

A request for a certificate, its answer and a code on site come once in weeks; the process ends with its
answer.  ``agent.keys.work`` has the functions.  A process that loaded ``cryptography`` anyway does the work
itself, as does one that cannot start another.
"""

import subprocess
import sys
from typing import Any

import msgspec

from agent.certificate import BadCertificate
from agent.wire.reasons import Reason

ANSWER_LIMIT_S = 60.0
"""An old Raspberry Pi takes some 3 s to load what is needed."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a question came to."""

    value: Any = None
    refused: Reason | None = None
    """Why a key or certificate must not be used."""


def asked(question: str, *arguments: bytes | str | int) -> Any:
    """Return what ``agent.keys.work.question(*arguments)`` returns, as plain values.

    Raises:
        BadCertificate: a key or certificate that this gateway must not use.
    """
    answer = None if "cryptography" in sys.modules else _elsewhere(question, arguments)
    answer = answer or answered(question, arguments)
    if answer.refused is not None:
        raise BadCertificate(answer.refused)
    return answer.value


def answered(question: str, arguments: tuple[bytes | str | int, ...]) -> Answer:
    """Return the answer, worked out in this process."""
    from agent.keys import work

    try:
        return Answer(value=getattr(work, question)(*arguments))
    except BadCertificate as error:
        return Answer(refused=error.why)


def _elsewhere(question: str, arguments: tuple[bytes | str | int, ...]) -> Answer | None:
    """Return the answer of another process, or None where none gave one."""
    command = [sys.executable, "-m", "agent.keys"]
    asking = msgspec.msgpack.encode((question, *arguments))
    try:
        done = subprocess.run(
            command, input=asking, stdout=subprocess.PIPE, timeout=ANSWER_LIMIT_S, check=True
        )
        return msgspec.msgpack.decode(done.stdout, type=Answer)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError, msgspec.ValidationError):
        return None
