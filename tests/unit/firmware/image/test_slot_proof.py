"""What is done about the running slot: every case of the proof, at the limit and beside it."""

from typing import Any

import pytest

from firmware.image.slot_proof import PROOF_LIMIT_S, SlotAction, decide

SERVES = {"radio": "RECEIVING", "link_online": True}


@pytest.mark.parametrize(
    ("proved_before", "status", "up_s", "other_slot", "action"),
    [
        (True, None, 60.0, True, SlotAction.MARK_GOOD),
        (False, SERVES, 60.0, False, SlotAction.MARK_GOOD),
        (False, SERVES, PROOF_LIMIT_S + 1.0, True, SlotAction.MARK_GOOD),
        (False, SERVES | {"radio": "OFF"}, 60.0, True, SlotAction.WAIT),
        (False, SERVES | {"link_online": False}, 60.0, True, SlotAction.WAIT),
        (False, None, PROOF_LIMIT_S - 1.0, True, SlotAction.WAIT),
        (False, None, float(PROOF_LIMIT_S), True, SlotAction.GO_BACK),
        (False, None, PROOF_LIMIT_S + 1.0, True, SlotAction.GO_BACK),
        (False, None, PROOF_LIMIT_S + 1.0, False, SlotAction.WAIT),
    ],
)
def test_every_case(
    proved_before: bool, status: dict[str, Any] | None, up_s: float, other_slot: bool, action: SlotAction
) -> None:
    found, why = decide(proved_before=proved_before, status=status, up_s=up_s, other_slot=other_slot)
    assert found is action
    assert why
