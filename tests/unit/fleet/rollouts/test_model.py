"""Settings of a rollout that nobody could mean are refused by name."""

import pytest

from fleet.rollouts.model import RolloutSettings


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({}, None),
        ({"canary_gateways": 1}, None),
        ({"canary_gateways": 0}, "canary_gateways"),
        ({"together_max": 1}, None),
        ({"together_max": 0}, "together_max"),
        ({"shares_percent": (1, 100)}, None),
        ({"shares_percent": (100,)}, None),
        ({"shares_percent": ()}, "shares_percent"),
        ({"shares_percent": (0, 100)}, "shares_percent"),
        ({"shares_percent": (5, 99)}, "shares_percent"),
        ({"shares_percent": (25, 5, 100)}, "shares_percent"),
        ({"shares_percent": (5, 5, 100)}, "shares_percent"),
        ({"from_hour": 0, "until_hour": 24}, None),
        ({"from_hour": 23, "until_hour": 0}, None),
        ({"from_hour": 24, "until_hour": 1}, "from_hour"),
        ({"from_hour": -1}, "from_hour"),
        ({"until_hour": 25}, "until_hour"),
        ({"until_hour": -1}, "until_hour"),
        ({"from_hour": 8, "until_hour": 8}, "the same hour"),
    ],
)
def test_settings_of_a_rollout(fields: dict[str, object], refused: str | None) -> None:
    if refused is None:
        assert RolloutSettings(**fields)  # type: ignore[arg-type]
    else:
        with pytest.raises(ValueError, match=refused):
            RolloutSettings(**fields)  # type: ignore[arg-type]
