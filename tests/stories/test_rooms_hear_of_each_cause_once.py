from fleet.notify.model import Channel
from tests.stories.world import MINUTE, World


def test_one_message_a_cause_without_links_or_access_notes(azay: World) -> None:
    azay.people("Bruno Petit", "Chloé Roux")
    azay.enable(Channel.APPRISE)
    azay.lose("a1")
    azay.pass_time(30 * MINUTE)
    azay.restore("a1")
    azay.pass_time(5 * MINUTE)
    rooms = [one for one in azay.postman.taken if one.channel is Channel.APPRISE]
    assert [one.subject.split()[0] for one in rooms] == ["CRITIQUE", "RÉTABLI"]
    assert all("/a/" not in one.text and "4711" not in one.text for one in rooms)
