"""Topics are ``vdl/1/EUI/leaf``, whatever the leaf; nothing else is one of ours."""

import pytest

from agent.wire.topics import GATEWAY_READS, GATEWAY_WRITES, split, topic


@pytest.mark.parametrize("leaf", [*GATEWAY_READS, *GATEWAY_WRITES, "reply/a/b/c"])
def test_a_leaf_may_have_levels_of_its_own(leaf: str) -> None:
    assert split(topic("0016c001f12a3b4c", leaf)) == ("0016c001f12a3b4c", leaf)


@pytest.mark.parametrize(
    "full",
    [
        "",
        "vdl",
        "vdl/1",
        "vdl/1/e",
        "vdl/1/e/",
        "vdl/1//health",
        "vdl/2/e/health",
        "other/1/e/health",
        "/vdl/1/e/x",
    ],
)
def test_what_is_no_topic_of_ours_is_refused(full: str) -> None:
    with pytest.raises(ValueError, match="is not vdl/1/EUI/"):
        split(full)
