"""What the screen shows after a command, for how long, and what is refused."""

import asyncio
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agent.commands.onsite import OnsiteCode
from agent.commands.runner import CommandFailed
from agent.identity import Identity
from agent.wire import reasons
from agent.wire.command import Action, Command
from agent.wire.onsite import CURVE, asked_code, challenge_of
from tests.controlpath.virtual import VirtualClock

FRESH = ec.derive_private_key(11, CURVE)
SHOW = Command(action=Action.SHOW_CODE, challenge=challenge_of(FRESH), ticket=7, show_s=60)


def test_the_code_is_shown_until_its_end_and_the_newest_replaces_it(tmp_path: Path) -> None:
    clock = VirtualClock()
    identity = Identity(tmp_path, eui="0016c001f1370001")
    onsite = OnsiteCode(identity=identity, clock=clock)
    assert onsite.now() is None
    assert asyncio.run(onsite.show(SHOW)) == reasons.command.code_shown(show_s=60)
    shown = onsite.now()
    assert shown is not None
    assert (shown.code, shown.ticket, shown.left_s) == (identity.onsite_code(SHOW.challenge, 7), 7, 60)
    asyncio.run(onsite.show(Command(action=Action.SHOW_CODE, challenge=SHOW.challenge, ticket=8, show_s=5)))
    clock.now_us += 4_999_999
    assert (onsite.now() or shown).ticket == 8
    clock.now_us += 1
    assert onsite.now() is None


def test_the_fleet_expects_what_is_shown(tmp_path: Path) -> None:
    identity = Identity(tmp_path, eui="0016c001f1370001")
    csr = x509.load_pem_x509_csr(identity.csr_pem().encode())
    public = csr.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert identity.onsite_code(SHOW.challenge, 7) == asked_code(FRESH, public, "0016c001f1370001", 7)


def test_a_question_without_a_key_shows_nothing(tmp_path: Path) -> None:
    onsite = OnsiteCode(identity=Identity(tmp_path, eui="0016c001f1370001"), clock=VirtualClock())
    with pytest.raises(CommandFailed):
        asyncio.run(onsite.show(Command(action=Action.SHOW_CODE)))
    assert onsite.now() is None
