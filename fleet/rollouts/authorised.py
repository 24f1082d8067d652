"""What a rollout may have signed: asked for, approved where a second person is needed, and unchanged since.

A rollout's content and each gateway's way back are sealed (``fleet.approvals``): rows that somebody else
wrote are refused by name, shown on the page, audited, and nothing is signed for them.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from fleet.approvals import model as approvals
from fleet.approvals import store as requests
from fleet.approvals.model import Request, RequestKind, TwoPersons
from fleet.db.seals import seal
from fleet.identity import audit
from fleet.lang.i18n import t
from fleet.notify import outbox
from fleet.notify.model import Channel, Rendered
from fleet.oncall import store as oncall
from fleet.rollouts.model import Rollout, RolloutState
from fleet.rollouts.store import StoredRollout
from fleet.shift import log as shift
from fleet.shift.log import EntryKind

SUBJECT = "rollout "


def subject_of(number: int) -> str:
    """Return how a request names a rollout.

    >>> subject_of(7)
    'rollout 7'
    """
    return f"{SUBJECT}{number}"


def content_of(
    changes: Mapping[str, str], rollout: Rollout, own_changes: Mapping[str, Mapping[str, str]]
) -> dict[str, object]:
    """Return what of a rollout is asked for; of gateways with values of their own, the digest."""
    settings, waves = msgspec.to_builtins(rollout.settings), msgspec.to_builtins(rollout.waves)
    own = sorted((eui, sorted(found.items())) for eui, found in own_changes.items())
    digest = hashlib.sha256(msgspec.json.encode(own)).hexdigest() if own else ""
    return {"changes": dict(changes), "settings": settings, "waves": waves, "own_sha256": digest}


def ask_for(
    connection: Connection,
    key: Ed25519PrivateKey,
    rules: TwoPersons,
    number: int,
    content: Mapping[str, object],
    *,
    needs_second: bool,
    who: str,
    reason: str,
    now_us: int,
) -> Request:
    """Store what a person asks for with a rollout."""
    request = requests.ask(
        connection,
        approvals.key_of(key),
        rules,
        kind=RequestKind.ROLLOUT,
        subject=subject_of(number),
        content=content,
        needs_second=needs_second,
        author=who,
        reason=reason,
        now_us=now_us,
    )
    if needs_second:
        tell(connection, request, now_us)
    return request


def fault_of(
    connection: Connection, key: Ed25519PrivateKey, stored: StoredRollout, now_us: int
) -> approvals.Fault | None:
    """Return why nothing new is signed for a rollout; None: it may go on."""
    request = requests.of_subject(connection, RequestKind.ROLLOUT, subject_of(stored.id))
    if not stored.intact:
        return approvals.Fault.FORGED
    if request is not None and request.asked_at_us != stored.created_at_us:
        return approvals.Fault.CHANGED
    return approvals.fault_of(
        approvals.key_of(key), request, content_of(stored.changes, stored.rollout, stored.own_changes), now_us
    )


def end(connection: Connection, number: int, state: RolloutState) -> None:
    """Note that a rollout is over: its approval brings no other one about."""
    requests.end(connection, RequestKind.ROLLOUT, subject_of(number), state)


def waits(connection: Connection, number: int) -> bool:
    """Return whether a rollout waits for a second person, or was refused by one."""
    request = requests.of_subject(connection, RequestKind.ROLLOUT, subject_of(number))
    return (
        request is not None and request.needs_second and request.state is not approvals.RequestState.APPROVED
    )


def way_back_seals(key: Ed25519PrivateKey, number: int, base_versions: Mapping[str, int]) -> dict[str, str]:
    """Return the seal of each gateway's way back: EUI → over the rollout, the gateway and its version."""
    own = approvals.key_of(key)
    return {eui: seal(own, "back", number, eui, version) for eui, version in base_versions.items()}


def strangers(key: Ed25519PrivateKey, stored: StoredRollout, euis: Iterable[str]) -> list[str]:
    """Return the gateways that somebody else put into the rollout, or whose way back is another."""
    expected = way_back_seals(key, stored.id, {eui: stored.base_versions[eui] for eui in euis})
    return [
        eui for eui, seal in expected.items() if not hmac.compare_digest(seal, stored.back_seals.get(eui, ""))
    ]


def tell(connection: Connection, one: Request, now_us: int) -> None:
    """Tell those who plan that a request waits for a second person; without any, the main courante."""
    people = oncall.planners(connection)
    for person in people:
        text = _words(one, person.language)
        outbox.enqueue(
            connection,
            key=f"approval/{one.id}/{person.id}",
            channel=Channel.MAIL,
            address=person.email,
            message=Rendered(subject=text, text=f"{text}\n\n{t(person.language, 'approval.mail')}\n"),
            now_us=now_us,
            person_id=person.id,
        )
    if not people:
        text = _words(one, "fr")
        shift.write(connection, kind=EntryKind.FOLLOW, text=text, who=audit.SYSTEM, now_us=now_us)


def _words(one: Request, lang: str) -> str:
    return t(
        lang, "approval.subject", number=one.id, about=about(one, lang), who=one.author, reason=one.reason
    )


def about(one: Request, lang: str) -> str:
    """Return what a request is about: a rollout by its number, a push by its gateway."""
    number = one.subject.removeprefix(SUBJECT)
    return t(lang, f"approval.about.{one.kind}", subject=number)
