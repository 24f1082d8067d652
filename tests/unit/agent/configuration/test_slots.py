from pathlib import Path

import pytest

from agent.configuration.boot import open_state
from agent.configuration.model import Held, Ledger
from agent.configuration.slots import Slots, SlotUnreadable
from agent.wire.envelope import EnvelopeRefused, decode_envelope
from tests.controlpath.virtual import EUI, SigningFleet, configuration

FLEET = SigningFleet()
ONE, TWO = configuration(), configuration(permit_needed=True)
ORDER = FLEET.order(ONE)
SENT_TWO = FLEET.configuration(2, TWO)


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    return Slots(tmp_path, device=EUI, key=FLEET.public)


def running_two(slots: Slots) -> None:
    slots.begin(ORDER.configuration)
    slots.keep("b", SENT_TWO)
    held = Held(version=2, sha256=decode_envelope(SENT_TWO).sha256, slot="b")
    slots.save(Ledger(good=held, seen_version=2))


def test_what_was_kept_is_found(slots: Slots) -> None:
    running_two(slots)
    state, good, damage = open_state(slots, ORDER)
    assert (state.ledger.good.version, good, damage) == (2, TWO, None)


def test_first_boot_takes_the_order(slots: Slots) -> None:
    state, good, damage = open_state(slots, ORDER)
    assert (state.ledger.seen_version, good, damage) == (1, ONE, None)


@pytest.mark.parametrize("name", ["ledger.json", "b.envelope"])
@pytest.mark.parametrize("content", [b"", b"rubbish", None])
def test_a_damaged_card_goes_back_to_the_order_and_says_so(
    slots: Slots, tmp_path: Path, name: str, content: bytes | None
) -> None:
    running_two(slots)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if content is None else content)
    state, good, damage = open_state(slots, ORDER)
    assert (state.ledger.good.version, good) == (1, ONE)
    assert damage


def test_a_later_order_of_a_card_flashed_again_is_taken(slots: Slots) -> None:
    running_two(slots)
    later = FLEET.order(ONE, configuration=FLEET.configuration(7, ONE))
    assert open_state(slots, later)[0].ledger.good.version == 7
    used = FLEET.order(ONE, configuration=FLEET.configuration(9, ONE), token="")
    assert open_state(slots, used)[0].ledger.good.version == 7


def test_a_foreign_order_is_refused(slots: Slots) -> None:
    with pytest.raises(EnvelopeRefused):
        open_state(slots, SigningFleet().order(ONE))


def test_a_slot_with_another_good_envelope_is_refused(slots: Slots) -> None:
    running_two(slots)
    with pytest.raises(SlotUnreadable, match="not what"):
        slots.load(Held(version=1, sha256="0" * 64, slot="a"))


def test_an_order_that_waited_for_its_backhaul_still_begins(slots: Slots) -> None:
    old = FLEET.order(ONE, configuration=FLEET.configuration(1, ONE, expires_at_us=1))
    assert open_state(slots, old)[1] == ONE
