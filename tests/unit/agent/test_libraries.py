"""The agent loads no library that it has no use for, and hides none from others."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import agent.run, agent.connectors.basics_station.connector
left_out = "greenlet rich twisted socks urllib.request importlib.metadata http.client email".split()
print([name for name in left_out if name in sys.modules])
import rich, urllib.request, importlib.metadata
print(rich.__name__, urllib.request.urlopen.__name__, importlib.metadata.version("websockets") != "")
"""
KNOWN = """
import urllib.request, importlib.metadata, rich
before = (urllib.request, importlib.metadata, rich)
import agent.run, agent.connectors.basics_station.connector
import sys
names = ("urllib.request", "importlib.metadata", "rich")
print(all(sys.modules[name] is module for name, module in zip(names, before)))
"""


@pytest.mark.parametrize(("program", "output"), [(PROGRAM, ["[]", "rich urlopen True"]), (KNOWN, ["True"])])
def test_what_libraries_bring_along_stays_out_and_can_be_imported_by_others(
    program: str, output: list[str]
) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == output
