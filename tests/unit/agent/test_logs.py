"""The agent's logging loads no library that it has no use for, and hides none from others."""

import subprocess
import sys

PROGRAM = """
import sys
import agent.run
from agent.logs import UNUSED
print([name for name in UNUSED if name in sys.modules])
import rich
print(rich.__name__)
"""


def test_what_structlog_would_load_beside_itself_stays_out_and_can_be_imported_later() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "rich"]
