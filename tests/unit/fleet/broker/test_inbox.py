import pytest

from fleet.broker.inbox import BATCH_LIMIT, Flow, Inbox
from tests.unit.fleet.founded import EUIS, received

MESSAGE = received(EUIS[0], "health", b"x")


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_batch_ends_at_its_limit_and_the_rest_waits(extra):
    inbox = Inbox()
    for _ in range(BATCH_LIMIT + extra):
        assert inbox.offer(MESSAGE)
    assert len(inbox.take(0)) == min(BATCH_LIMIT, BATCH_LIMIT + extra)
    assert len(inbox.take(0)) == max(0, extra)


def test_what_is_taken_is_settled_only_when_its_taker_notes_it():
    inbox = Inbox()
    for _ in range(3):
        inbox.offer(MESSAGE)
    inbox.take(0)
    assert inbox.flow == Flow(offered=3, settled=0)
    inbox.settle(3)
    assert inbox.flow == Flow(offered=3, settled=3)


def test_messages_keep_their_order():
    inbox = Inbox()
    wanted = [received(EUIS[0], "health", bytes([number])) for number in range(5)]
    for message in wanted:
        inbox.offer(message)
    assert inbox.take(0) == wanted


def test_a_closed_inbox_takes_nothing_more_and_gives_what_it_has():
    inbox = Inbox(limit=2)
    inbox.offer(MESSAGE)
    inbox.close()
    assert not inbox.offer(MESSAGE)
    assert inbox.take(0) == [MESSAGE]
    assert inbox.take(0) == []


def test_a_full_inbox_that_closes_lets_go(tmp_path):
    inbox = Inbox(limit=1)
    inbox.offer(MESSAGE)
    inbox.close()
    assert inbox.waiting == 1
