"""A release of the agent as what a rollout carries: from the signed list to the wave that is taken back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import update

from agent.wire.messages import ConfigState, Noted
from fleet.cli.main import main
from fleet.configurations.knowledge import knowing_release
from fleet.configurations.store import newest_version
from fleet.durations import HOUR_US
from fleet.identity.ends import WRONG_BELOW_DAYS, endings
from fleet.rollouts import store
from fleet.rollouts.model import Failure, RolloutSettings, RolloutState, Step
from fleet.rollouts.releases import (
    ROOT,
    WANTED,
    published,
    release_changes,
    revoke_release,
    still_wanting,
)
from fleet.rollouts.start import Order, RolloutRefused, Wish, give
from fleet.rollouts.tables import rollout_gateways, rollouts
from fleet.rollouts.words import refused_in_words
from fleet.safety.absences import OUT_US
from fleet.trust.documents import first_root, first_targets, next_targets
from fleet.trust.keys import named
from fleet.trust.repository import Repository
from packages.release import build, file_name
from tests.controlpath.signed_repository import holders, new_keys, signed
from tests.unit.fleet.configurations.test_reconcile import hear
from tests.unit.fleet.founded import EUIS, NOW_US, heartbeat, received
from tests.unit.fleet.rollouts.test_look import A, B, C, Fleet

NOW = datetime.fromtimestamp(NOW_US / 1_000_000, UTC)
SETTINGS = RolloutSettings(canary_gateways=1, judged=False, shares_percent=(100,), controls_restart=False)


def repository_of(data):
    """A fleet's repository whose list names 0.2.0."""
    (data / "keys").mkdir(parents=True)
    repository, (root_key,), (list_key,) = Repository(data), new_keys(1), new_keys(1)
    online = named(load_pem_public_key(repository.online_public()), "online")
    root = first_root(holders((root_key,), 1), holders((list_key,), 1), online, NOW)
    empty = signed(first_targets(NOW), (list_key,))
    repository.accept([signed(root, (root_key,)), empty], [], NOW)
    release = build("0.2.0", {"passerelle": {"a.py": b""}}, "x86_64", "3.11", data / "built")
    content = (data / "built" / file_name(release)).read_bytes()
    named_now = signed(next_targets(empty, NOW, add={release.path: content}), (list_key,))
    repository.accept([named_now], [content], NOW, parts=data / "built" / "parts")
    return repository


@pytest.fixture
def repository(tmp_path):
    return repository_of(tmp_path / "data")


@pytest.fixture
def fleet(tmp_path):
    return Fleet(tmp_path)


def tell_details(fleet, euis, fields):
    """The gateways beat, and say what they are."""
    for eui in euis:
        memory = hear(fleet.database, fleet.memory, received(eui, "health", heartbeat()))
        fleet.memory = hear(
            fleet.database, memory, received(eui, "event", Noted(7, 5, NOW_US, "details", fields))
        )


def wish(repository, name="0.2.0"):
    return Wish(changes=release_changes(repository, name, NOW_US), reason="0.2.0", settings=SETTINGS)


def refused(repository, name, now_us=NOW_US):
    with pytest.raises(RolloutRefused) as error:
        release_changes(repository, name, now_us)
    return refused_in_words("fr", error.value)


def test_a_release_is_two_settings_once_the_signed_list_names_it(repository):
    assert release_changes(repository, "0.2.0", NOW_US) == {
        WANTED: "0.2.0",
        ROOT: repository.anchor_sha256(),
    }
    assert release_changes(repository, "base", NOW_US) == {WANTED: ""}
    assert published(repository, NOW_US) == {"0.2.0"}


def test_what_no_gateway_would_take_is_refused_by_name(repository, tmp_path):
    assert "0.3.0" in refused(repository, "0.3.0")
    assert "0.2.0" in refused(repository, "0.3.0")
    assert "racine de confiance" in refused(Repository(tmp_path / "none"), "0.2.0")
    late_us = int((NOW + timedelta(days=400)).timestamp()) * 1_000_000
    assert "Aucune passerelle ne croirait" in refused(repository, "0.2.0", late_us)


def test_older_agents_are_left_out_and_said(fleet, repository):
    with pytest.raises(RolloutRefused) as error:
        fleet.start(wish(repository))
    assert error.value.key == "rollout.refused.too_old"
    tell_details(fleet, [A, C], {"release": "base", "version_agent": "0.2.0"})
    tell_details(fleet, [B], {"version_agent": "0.1.0"})
    with fleet.database.read() as connection:
        assert knowing_release(connection, EUIS) == {A, C}
    fleet.start(wish(repository))
    assert set(fleet.rollout().steps) == {A, C}
    with pytest.raises(RolloutRefused) as error:
        fleet.weighed(eui=B, changes=wish(repository).changes)
    assert error.value.key == "rollout.refused.too_old"


def test_a_gateway_that_has_just_started_is_what_it_was_until_it_says(fleet):
    def starts(eui, boot):
        beat = heartbeat(1, at_us=NOW_US + boot * HOUR_US, boot=boot)
        fleet.memory = hear(fleet.database, fleet.memory, received(eui, "health", beat))

    tell_details(fleet, [A], {"release": "base"})
    tell_details(fleet, [B], {"version_agent": "0.1.0"})
    for eui in EUIS:
        starts(eui, 8)
    with fleet.database.read() as connection:
        assert knowing_release(connection, EUIS) == {A}
    older = Noted(8, 5, NOW_US + HOUR_US, "details", {"version_agent": "0.1.0"})
    hear(fleet.database, fleet.memory, received(A, "event", older))
    with fleet.database.read() as connection:
        assert knowing_release(connection, EUIS) == frozenset()


def test_a_release_that_goes_back_by_itself_halts_its_wave_and_is_taken_back(fleet, repository):
    tell_details(fleet, EUIS, {"release": "base"})
    fleet.start(wish(repository))
    fleet.look()
    (canary,) = fleet.applying()
    with fleet.database.read() as connection:
        assert newest_version(connection, canary).configuration.release.wanted == "0.2.0"
    fleet.answer(canary, ConfigState.FETCHING)
    fleet.look()
    assert fleet.rollout().steps[canary].step is Step.APPLYING
    fleet.answer(canary, ConfigState.ROLLED_BACK, reason="crash")
    fleet.look()
    rollout = fleet.rollout()
    assert rollout.steps[canary].failure is Failure.ROLLED_BACK
    assert rollout.state is RolloutState.ROLLING_BACK
    with fleet.database.read() as connection:
        assert newest_version(connection, canary).configuration.release.wanted == ""
    assert all(one.step is Step.PENDING for eui, one in rollout.steps.items() if eui != canary)


def test_a_release_that_is_revoked_is_taken_back_wherever_it_went(fleet, repository):
    tell_details(fleet, EUIS, {"release": "base"})
    fleet.start(wish(repository))
    fleet.look()
    (canary,) = fleet.applying()
    fleet.answer(canary)
    with fleet.database.write() as connection:
        told = {"who": "anne", "reason": "elle perd des trames", "now_us": fleet.now_us}
        assert revoke_release(connection, "0.2.0", **told) == [1]
        with pytest.raises(RolloutRefused):
            revoke_release(connection, "0.2.0", **told)
    fleet.look()
    with fleet.database.read() as connection:
        assert newest_version(connection, canary).configuration.release.wanted == ""


def test_the_end_of_root_and_list_is_told_and_makes_healthz_red(repository):
    assert endings(repository.ends(), NOW_US) == ()
    later_us = int((NOW + timedelta(days=365 - WRONG_BELOW_DAYS + 1)).timestamp()) * 1_000_000
    soon = endings(repository.ends(), later_us)
    assert {one.name for one in soon} == {"release_root", "release_list"}
    assert all(one.days_left < WRONG_BELOW_DAYS for one in soon)
    assert Repository(repository.folder / "none").ends() == ()


@pytest.mark.parametrize(
    ("asked", "words"),
    [(["--release", "0.3.0"], "0.2.0"), ([], "--release"), (["--set", "x"], "PATH=VALUE")],
)
def test_the_command_line_says_what_it_cannot_begin(repository, capsys, asked, words):
    data = str(repository.folder.parent)
    assert main(["rollout", "start", "--data", data, "--reason", "essai", *asked]) != 0
    assert words in "".join(capsys.readouterr())


def test_a_release_that_a_layer_brought_to_few_gateways_is_revoked_too(fleet, repository):
    tell_details(fleet, EUIS, {"release": "base"})
    fleet.start(wish(repository))
    with fleet.database.write() as connection:
        changes = dict(wish(repository).changes)
        mine = (rollout_gateways.c.rollout_id == 1) & (rollout_gateways.c.eui == A)
        connection.execute(update(rollout_gateways).where(mine).values(changes=changes))
        connection.execute(update(rollouts).values(changes={"intervals.stat_s": "45"}))
        assert store.carrying(connection, WANTED, "0.2.0") == [1]
        assert store.carrying(connection, WANTED, "0.3.0") == []


def test_who_wants_a_revoked_release_by_a_change_of_its_own_is_named(fleet, repository):
    tell_details(fleet, EUIS, {"release": "base"})
    fleet.push(eui=B, changes=wish(repository).changes, reason="essai", despite="essai")
    fleet.answer(B)
    fleet.start(replace(wish(repository), euis=[A, C]))
    fleet.look(OUT_US)
    (canary,) = fleet.applying()
    fleet.answer(canary)
    with fleet.database.write() as connection:
        revoke_release(connection, "0.2.0", who="anne", reason="elle perd des trames", now_us=fleet.now_us)
        assert still_wanting(connection, "0.2.0") == (B,)


def test_a_later_release_goes_back_with_the_revoked_one_below_it(fleet, repository):
    tell_details(fleet, EUIS, {"release": "base"})
    fleet.start(wish(repository))
    fleet.look()
    (canary,) = fleet.applying()
    fleet.answer(canary)
    fleet.look()
    with fleet.database.write() as connection:
        give(connection, 1, Order.HALT, who="anne", now_us=fleet.now_us, reason="suite")
    later = {**wish(repository).changes, WANTED: "0.3.0"}
    fleet.push(eui=canary, changes=later, reason="suite", despite="essai")
    fleet.answer(canary)
    with fleet.database.write() as connection:
        revoke_release(connection, "0.2.0", who="anne", reason="elle perd des trames", now_us=fleet.now_us)
    fleet.look()
    with fleet.database.read() as connection:
        assert newest_version(connection, canary).configuration.release.wanted == ""
