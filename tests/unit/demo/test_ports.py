"""A port is given once: to this process, to others, and never one on which somebody listens."""

import socket
import subprocess
import sys

import pytest

from demo import ports
from demo.ports import FIRST_PORT, PORTS, free_port

ASK = "from demo.ports import free_port; print(*(free_port() for _ in range({count})), flush=True); input()"


def asker(count: int) -> "subprocess.Popen[str]":
    """Another process that asks, and lives until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", ASK.format(count=count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_nobody_is_given_a_port_of_another_who_lives() -> None:
    count = 200
    with asker(count) as one, asker(count) as other:
        assert one.stdout is not None
        assert other.stdout is not None
        given = [int(port) for end in (one, other) for port in end.stdout.readline().split()]
        given += [free_port() for _ in range(count)]
        for end in (one, other):
            end.communicate("\n")
    assert len(set(given)) == 3 * count
    assert all(FIRST_PORT <= port < FIRST_PORT + PORTS for port in given)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_in_use_is_passed_over(monkeypatch: pytest.MonkeyPatch, kind: int) -> None:
    port = free_port()
    with socket.socket(socket.AF_INET, kind) as server:
        server.bind(("127.0.0.1", port))
        monkeypatch.setattr(ports, "_tries", iter([port - FIRST_PORT, port - FIRST_PORT + 1, *range(PORTS)]))
        assert free_port() != port


def test_when_every_port_is_taken_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr(ports, "PORTS", 1)
    monkeypatch.setattr(ports, "FIRST_PORT", port)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(OSError, match="is free"):
        free_port()
