"""Every order of what may happen to a spool: no frame is unaccounted for, lost or out of its order.

Fill and free, kill, server away and back, damage, read-only: every sequence of four of them in `make test`,
random long ones, with slow disks, in `make soak`.
"""

import asyncio
import itertools
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from agent.spool.writing import AUDIT_EVERY_US
from agent.wire.configuration import Limits
from tests.datapath.spool_gateway import STEP_S, SpoolGateway
from tests.datapath.virtual_loop import run_virtually

HAPPENINGS = ("fill", "kill", "server_away", "damage", "write_protect", "unplug")
"""``fill``, ``server_away``, ``write_protect`` and ``unplug`` undo themselves the next time."""
SEQUENCE = 4
RANDOM_HAPPENINGS = (*HAPPENINGS, "restart", "reconfigure", "swap_card", "burst")
RANDOM_RUNS = 20
SOAK_RUNS = 2_000
RANDOM_SEQUENCE = 40
FEW = Limits(spool_records=100)


async def lived(folder: Path, happenings: tuple[str, ...]) -> SpoolGateway:
    """Let one thing after the other happen to a gateway that receives."""
    gateway = SpoolGateway(folder)
    await gateway.start()
    gateway.receive(2)
    await gateway.run(1.0)
    for happening in happenings:
        await getattr(gateway, happening)()
        gateway.receive(2)
        await gateway.run(STEP_S)
    await gateway.settle()
    await gateway.stop(kill=False)
    return gateway


@pytest.mark.parametrize("first", HAPPENINGS)
def test_every_short_sequence_keeps_the_balance(first: str, tmp_path: Path) -> None:
    for rest in itertools.product(HAPPENINGS, repeat=SEQUENCE - 1):
        gateway = run_virtually(lived(tmp_path, (first, *rest)))
        assert "UNBALANCED" not in gateway.changes, (first, *rest)


async def robbed(folder: Path) -> SpoolGateway:
    """Let a row vanish from the file of a gateway whose server is away, then give it back."""
    gateway = SpoolGateway(folder)
    await gateway.start()
    gateway.receive(4)
    await gateway.server_away()
    await gateway.run(1.0)
    assert gateway.files.content is not None
    record_id, kept = gateway.files.content.rows.popitem()
    await asyncio.sleep(AUDIT_EVERY_US / 1_000_000 + 1)
    gateway.switchboard.watch()
    balance = gateway.switchboard.balance()
    assert balance is not None
    assert (balance.missing, balance.off) == (1, 1)
    gateway.files.content.rows[record_id] = kept
    await asyncio.sleep(AUDIT_EVERY_US / 1_000_000 + 1)
    gateway.switchboard.watch()
    await gateway.stop(kill=False)
    return gateway


def test_a_count_that_is_wrong_is_a_change_of_its_own_and_so_is_its_end(tmp_path: Path) -> None:
    changes = run_virtually(robbed(tmp_path)).changes
    assert [change for change in changes if "BALANCED" in change] == ["UNBALANCED", "BALANCED"]


async def lived_at_random(folder: Path, seed: int) -> SpoolGateway:
    """Let anything happen at any time to a gateway with a slow disk; every third has room for few frames."""
    random = Random(seed)
    gateway = SpoolGateway(folder, random=random, limits=FEW if seed % 3 == 0 else None)
    gateway.evictions = frozenset({"spool_count", "spool_unwritable"}) if seed % 3 == 0 else frozenset()
    await gateway.start()
    for _ in range(RANDOM_SEQUENCE):
        gateway.receive(random.randrange(4))
        await gateway.run(random.choice((0.05, 0.3, 1.0, STEP_S)), look_s=random.choice((0.05, 0.5)))
        await getattr(gateway, random.choice(RANDOM_HAPPENINGS))()
    await gateway.settle()
    await gateway.stop(kill=False)
    return gateway


def explored(folder: Path, seeds: range) -> Counter[str]:
    """Return what the journals said over so many random runs."""
    return sum((Counter(run_virtually(lived_at_random(folder, seed)).changes) for seed in seeds), Counter())


def test_long_random_sequences_keep_the_balance(tmp_path: Path) -> None:
    changes = explored(tmp_path, range(RANDOM_RUNS))
    assert not changes["UNBALANCED"]
    assert {"FULL", "ACCEPTING", "QUARANTINED", "FOREIGN"} <= set(changes)


@pytest.mark.soak
@pytest.mark.slow
def test_many_long_random_sequences_keep_the_balance(tmp_path: Path) -> None:
    changes = explored(tmp_path, range(RANDOM_RUNS, RANDOM_RUNS + SOAK_RUNS))
    print(f"spool: {SOAK_RUNS} random lives of {RANDOM_SEQUENCE} faults, {dict(changes)}: balance off by 0")
    assert not changes["UNBALANCED"]
