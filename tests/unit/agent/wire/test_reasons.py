"""Reasons as values: what they hold, how they travel and are kept, and what people read of them."""

import re

import msgspec
import pytest

from agent.wire import reasons
from agent.wire.messages import Reply, WireError, decode, encode
from agent.wire.reasons import TABLE, WORDS, Reason, read, text, written
from agent.wire.reasons.reason import CAUSES_LIMIT, DEPTH_LIMIT, ELLIPSIS, VALUE_LIMIT_CHARACTERS

FILLERS = {int: 7, float: 31.5, str: "x1"}
ROLLED_BACK = reasons.configuration.rolled_back(
    version=3, good_version=2, cause=reasons.configuration.not_confirmed(limit_s=300)
)


def sample(code: str) -> Reason:
    """Return a reason of ``code`` with a value of each type; a word of the vocabulary where there is one."""
    values = {
        name: next(iter(WORDS[name])) if name in WORDS else FILLERS.get(kind, (Reason("lns.answers"),))
        for name, kind in TABLE[code].values.items()
    }
    return Reason(code, values)


@pytest.mark.parametrize("code", sorted(TABLE))
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_code_reads_as_a_sentence_with_its_values(code: str, lang: str) -> None:
    sentence = text(sample(code), lang)
    assert sentence
    assert not re.search(r"[{}]|\?", sentence)
    assert lang == "en" or not re.search(r" [;:!?](\s|$)", sentence), "French sets a narrow space there"


@pytest.mark.parametrize("code", sorted(TABLE))
def test_every_code_survives_the_wire_and_the_column(code: str) -> None:
    reply = Reply("c", False, "", 1, sample(code))
    assert decode("reply/c", encode(reply)) == reply
    assert read(written(sample(code))) == sample(code)


def test_a_reason_inside_a_reason_is_read_with_it() -> None:
    assert text(ROLLED_BACK, "fr") == (
        "version 3 annulée, retour à la version 2\u202f: la flotte ne l’a pas confirmée en 300 s"
    )
    assert str(ROLLED_BACK) == "version 3 rolled back to 2: the fleet did not confirm it within 300 s"


def test_what_a_newer_gateway_says_is_shown_as_it_is() -> None:
    newer = Reason("future.code", {"delay_s": 4, "cause": (ROLLED_BACK,)})
    assert text(newer, "fr").startswith("future.code (delay_s=4, cause=version 3 annulée")
    assert text(Reason("future.code"), "en") == "future.code"


def test_a_value_that_an_older_gateway_does_not_send_is_a_question_mark() -> None:
    assert text(Reason("envelope.expired"), "en") == "version ? has expired"


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_values_are_cut_at_their_limits(extra: int) -> None:
    long = reasons.envelope.malformed(detail="x" * (VALUE_LIMIT_CHARACTERS + extra))
    assert len(str(long.values["detail"])) == min(VALUE_LIMIT_CHARACTERS, VALUE_LIMIT_CHARACTERS + extra)
    many = (reasons.downlink.sent(),) * (CAUSES_LIMIT + extra)
    sent = reasons.testframe.sent(sent_tests=1, all_tests=1, each=many).values["each"]
    assert isinstance(sent, tuple)
    assert len(sent) == min(CAUSES_LIMIT, CAUSES_LIMIT + extra)


@pytest.mark.parametrize(("depth", "whole"), [(DEPTH_LIMIT - 1, True), (DEPTH_LIMIT, False)])
def test_what_lies_too_deep_is_an_ellipsis(depth: int, whole: bool) -> None:
    reason = reasons.lns.answers()
    for _ in range(depth):
        reason = reasons.configuration.unfit(cause=reason)
    assert (ELLIPSIS not in text(reason, "en")) is whole
    assert (ELLIPSIS not in written(reason)) is whole


@pytest.mark.parametrize(("levels", "refused"), [(100, False), (6_000, True)])
def test_a_nest_of_reasons_is_refused_or_kept_short_and_never_breaks_the_reader(
    levels: int, refused: bool
) -> None:
    nest = b"\x92\xa1x\x81\xa1c\x91" * levels + b"\x92\xa1x\x80"
    message = b"\x95\xa1a\xc3\xa0\x01" + nest
    if refused:
        with pytest.raises(WireError):
            decode("reply/a", message)
        return
    reply = decode("reply/a", message)
    assert isinstance(reply, Reply)
    assert reply.why is not None
    assert len(written(reply.why)) < 200


@pytest.mark.parametrize(
    "line", ["", "no answer", "stopped", '["', '[" is how it began', '["a",{"c":[' * 5_000, '["a",1]']
)
def test_prose_and_rubbish_are_no_reasons(line: str) -> None:
    assert read(line) is None


def test_what_an_older_fleet_reads_of_a_coded_reply_is_an_empty_sentence() -> None:
    class OldReply(msgspec.Struct, array_like=True):
        command_id: str
        ok: bool
        text: str
        at_us: int = 0

    old = msgspec.msgpack.decode(encode(Reply("c", False, "", 1, ROLLED_BACK)), type=OldReply)
    assert (old.ok, old.text) == (False, "")
