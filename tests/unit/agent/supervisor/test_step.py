import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.supervisor.budget import Budget, Budgets
from agent.supervisor.step import (
    BACKHAUL_LADDER,
    MINUTE_US,
    Facts,
    Recover,
    Skipped,
    Stage,
    State,
    step,
)
from agent.wire import reasons
from agent.wire.messages import Radio

FINE = Facts(radio=Radio.RECEIVING, radio_since_us=0)
DEAF = Facts(radio=Radio.DEAF, radio_since_us=0)
CUT = Facts(radio=Radio.RECEIVING, radio_since_us=0, backhaul_lost_since_us=0)


def stages(state: State, facts: Facts, now_us: int) -> list[tuple[str, Stage]]:
    return [(type(command).__name__, command.stage) for command in step(state, facts, now_us)[1]]


@pytest.mark.parametrize(
    ("facts", "now_us", "expected"),
    [
        (FINE, 10**12, []),
        (DEAF, 10 * MINUTE_US - 1, []),
        (DEAF, 10 * MINUTE_US, [("Recover", Stage.RESTART_PROCESS)]),
        (Facts(radio=Radio.OFF, radio_since_us=0, board_refused=True), 60 * MINUTE_US, []),
        (CUT, 5 * MINUTE_US - 1, []),
        (CUT, 5 * MINUTE_US, [("Recover", Stage.RENEW_ADDRESS)]),
        (
            Facts(
                radio=Radio.RECEIVING,
                radio_since_us=0,
                silent=reasons.hearing.silent(silent_min=90, usual_frames=120),
            ),
            0,
            [("Recover", Stage.RESTART_RADIO)],
        ),
    ],
)
def test_first_rungs(facts: Facts, now_us: int, expected: list[tuple[str, Stage]]) -> None:
    assert stages(State(), facts, now_us) == expected


def test_the_backhaul_ladder_goes_up_once_each() -> None:
    state, taken = State(), []
    for minute in range(400):
        state, commands = step(state, CUT, minute * MINUTE_US)
        taken += [(minute, command.stage) for command in commands]
    assert taken == [(after // MINUTE_US, stage) for after, stage in BACKHAUL_LADDER]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (DEAF, [(10, Stage.RESTART_PROCESS), (30, Stage.REBOOT)]),
        (
            CUT,
            [
                (5, Stage.RENEW_ADDRESS),
                (15, Stage.RESET_MODEM),
                (30, Stage.POWER_MODEM),
                (60, Stage.OTHER_INTERFACE),
                (180, Stage.REBOOT),
            ],
        ),
    ],
    ids=["radio", "backhaul"],
)
def test_each_stage_comes_at_the_minute_of_the_table_and_says_how_long_it_lasts(
    facts: Facts, expected: list[tuple[int, Stage]]
) -> None:
    state, taken = State(), []
    for minute in range(400):
        state, commands = step(state, facts, minute * MINUTE_US)
        taken += [(command.reason.values["lasting_min"], command.stage) for command in commands]
    assert taken == expected


def test_a_gateway_begins_with_these_tokens_and_gets_one_back_after_so_many_hours() -> None:
    budgets = Budgets()
    found = {
        name: (budget.tokens, budget.limit, budget.refill_s / 3_600)
        for name in budgets.__struct_fields__
        for budget in [getattr(budgets, name)]
    }
    assert found == {
        "restart_radio": (6, 6, 4),
        "restart_process": (3, 3, 8),
        "reboot": (1, 1, 24),
        "renew_address": (12, 12, 2),
        "reset_modem": (6, 6, 4),
        "power_modem": (3, 3, 8),
        "other_interface": (6, 6, 4),
    }


def test_uptime_gathers_over_many_looks() -> None:
    budget = Budget(tokens=0, limit=2, refill_s=10)
    for _ in range(3):
        budget = budget.alive(4.0)
    assert (budget.tokens, budget.gathered_s) == (1, 2.0)


def test_a_trouble_that_ends_begins_again_at_the_bottom() -> None:
    state, _ = step(State(), CUT, 5 * MINUTE_US)
    state, _ = step(state, FINE, 6 * MINUTE_US)
    again = Facts(radio=Radio.RECEIVING, radio_since_us=0, backhaul_lost_since_us=7 * MINUTE_US)
    assert stages(state, again, 12 * MINUTE_US) == [("Recover", Stage.RENEW_ADDRESS)]


def test_a_radio_that_received_again_begins_at_the_bottom() -> None:
    state, _ = step(State(), DEAF, 10 * MINUTE_US)
    state, _ = step(state, FINE, 11 * MINUTE_US)
    again = Facts(radio=Radio.DEAF, radio_since_us=12 * MINUTE_US)
    assert stages(state, again, 22 * MINUTE_US) == [("Recover", Stage.RESTART_PROCESS)]


def test_no_reboot_while_a_configuration_is_on_trial() -> None:
    trial = Facts(radio=Radio.RECEIVING, radio_since_us=0, backhaul_lost_since_us=0, on_trial=True)
    state = State(backhaul_tried=4)
    assert stages(state, trial, 200 * MINUTE_US) == []
    assert stages(state, CUT, 200 * MINUTE_US) == [("Recover", Stage.REBOOT)]


def test_without_a_token_the_stage_is_told_and_skipped() -> None:
    spent = Budgets(restart_process=Budget(tokens=0, limit=3, refill_s=28_800))
    _, commands = step(State(budgets=spent), DEAF, 10 * MINUTE_US)
    assert [type(command) for command in commands] == [Skipped]
    assert commands[0].reason.code == "recovery.budget_spent"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([FINE, DEAF, CUT]), min_size=1, max_size=20), st.integers(1, 60))
def test_never_a_restart_loop(weather: list[Facts], boots: int) -> None:
    """However often it starts again with the budgets of disk, restarts stay within tokens of uptime."""
    budgets, uptime_s, restarts = Budgets(), 0.0, 0
    for boot in range(boots):
        state = State(budgets=budgets)
        facts = weather[boot % len(weather)]
        for minute in (0, 5, 11, 31):
            state, commands = step(state, facts, minute * MINUTE_US)
            restarts += sum(
                isinstance(command, Recover) and command.stage is Stage.RESTART_PROCESS
                for command in commands
            )
        uptime_s += 31 * 60
        budgets = state.budgets
    assert restarts <= 3 + uptime_s / (8 * 3600)


def test_budget_fills_to_its_limit_and_gathers_nothing_beyond() -> None:
    budget = Budget(tokens=1, limit=2, refill_s=10)
    assert budget.alive(9.9).tokens == 1
    assert budget.alive(10).tokens == 2
    assert budget.alive(1e9) == Budget(tokens=2, limit=2, refill_s=10)
    assert Budget(tokens=0, limit=1, refill_s=1).spend() is None


def test_a_full_budget_gathers_nothing_towards_a_token_that_is_spent_later() -> None:
    full = Budget(tokens=3, limit=3, refill_s=10).alive(9.0)
    spent = full.spend()
    assert spent is not None
    assert spent.alive(9.0).tokens == 2
    assert spent.alive(10.0).tokens == 3
