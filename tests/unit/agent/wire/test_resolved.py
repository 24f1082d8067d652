"""Threads that decode a type at once, as the first of their process, all get it."""

import subprocess
import sys

import pytest

FIRST = """
import importlib, msgspec, sys, threading
sys.setswitchinterval(1e-6)
module, name = sys.argv[1:]
kind = getattr(importlib.import_module(module), name)
together = threading.Barrier(8)
def decode():
    together.wait()
    try:
        msgspec.json.decode(b"{}", type=kind)
    except msgspec.ValidationError:
        pass
threads = [threading.Thread(target=decode) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
TYPES = {
    "agent.wire.configuration": "Configuration",
    "agent.wire.order": "WorkOrder",
    "agent.wire.envelope": "Envelope",
    "fleet.settings": "Founded",
    "fleet.registry.document": "SiteRow",
}


@pytest.mark.parametrize(("module", "name"), TYPES.items())
def test_the_first_threads_decode_at_once(module: str, name: str) -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", FIRST, module, name], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode() or f"signal {-done.returncode}"
