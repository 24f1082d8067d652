"""A gateway's reason is a sentence for the installer, whatever other reasons it holds."""

import msgspec

from agent.wire import reasons
from provisioning.words import reason_text


def test_a_reason_within_a_reason_is_a_sentence_too() -> None:
    why = reasons.acceptance.not_receiving(cause=reasons.radio.not_started_yet())
    text = reason_text(msgspec.json.decode(msgspec.json.encode(why)))
    assert text == str(reasons.text(why, "fr"))
    assert "radio.not_started_yet" not in text
