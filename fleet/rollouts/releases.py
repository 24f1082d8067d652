"""A release of the agent as what a rollout carries: the settings that name it; and one that is revoked.

the signed list (fleet.trust) ─▶ release_changes ─▶ Wish: as any change, with its gates, judge and way back
"""

from datetime import UTC, datetime

from sqlalchemy import Connection

from agent.wire.trust import TrustRefused
from fleet.configurations.working import working_versions
from fleet.rollouts import store
from fleet.rollouts.machine import needs_revert
from fleet.rollouts.revoking import revoke_rollout
from fleet.rollouts.start import RolloutRefused
from fleet.trust.repository import Repository

WANTED, ROOT = "release.wanted", "release.root_sha256"
BASE_NAME = "base"
"""The release that the card or the package installed, as gateways call it."""


def release_changes(repository: Repository, name: str, now_us: int) -> dict[str, str]:
    """Return the settings with which a gateway brings and runs a release.

    Raises:
        RolloutRefused: nothing is published, the list is believed no more, or does not name the release.
    """
    if name == BASE_NAME:
        return {WANTED: ""}
    known = published(repository, now_us)
    if name not in known:
        raise RolloutRefused("rollout.refused.release", name=name, known=", ".join(sorted(known)) or "–")
    return {WANTED: name, ROOT: repository.anchor_sha256()}


def published(repository: Repository, now_us: int) -> frozenset[str]:
    """Return the names of the releases that a gateway would believe now.

    Raises:
        RolloutRefused: there is no root of trust yet, or what is published has ended.
    """
    if not repository.founded:
        raise RolloutRefused("rollout.refused.no_trust")
    now = datetime.fromtimestamp(now_us / 1_000_000, UTC)
    repository.renew(now)
    try:
        trusted = repository.trusted(now)
    except TrustRefused as error:
        raise RolloutRefused("rollout.refused.trust", why=error.why) from error
    if trusted.targets is None:
        return frozenset()
    paths = (path.split("/") for path in trusted.targets.signed.targets)
    return frozenset(parts[1] for parts in paths if len(parts) == 3 and parts[0] == "releases")


def revoke_release(connection: Connection, name: str, *, who: str, reason: str, now_us: int) -> list[int]:
    """Revoke every rollout that carries a release, and let each go back; return their numbers.

    Its name stays in the signed list until its holders take it out (`passerelle fleet trust remove`).

    Raises:
        RolloutRefused: no rollout carries it that is not revoked already, or no reason is given.
    """
    numbers = store.carrying(connection, WANTED, name)
    if not numbers:
        raise RolloutRefused("rollout.refused.no_release", name=name)
    for number in numbers:
        revoke_rollout(connection, number, who=who, reason=reason, now_us=now_us)
    return numbers


def still_wanting(connection: Connection, name: str) -> tuple[str, ...]:
    """Return the gateways that want a release by a change of theirs alone: no rollout takes it back."""
    back = {
        eui
        for one in store.open_rollouts(connection)
        if one.revoked_at_us is not None
        for eui, step in one.rollout.steps.items()
        if needs_revert(one.rollout, step)
    }
    known = working_versions(connection)
    wanting = {eui for eui, one in known.items() if one.configuration.release.wanted == name}
    return tuple(sorted(wanting - back))
