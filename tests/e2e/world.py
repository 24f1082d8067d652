"""The demo as a running process, for tests that drive the whole product through its commands and pages."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from demo.ports import free_port

READY_LIMIT_S = 180.0
POLL_S = 0.25
_Found = TypeVar("_Found")


@dataclass
class RunningDemo:
    """One demo; every wait has a limit and says what it waited for."""

    folder: Path
    port: int = field(default_factory=free_port)
    control: str = ""
    process: "subprocess.Popen[str] | None" = None

    @property
    def fleet(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "fleet"

    def start(self, *extra: str) -> None:
        """Start and wait until every gateway serves."""
        command = [sys.executable, "-m", "passerelle", "demo", "--port", str(self.port)]
        self.log = (self.folder / "demo.log").open("w+")
        self.process = subprocess.Popen(
            [*command, "--folder", str(self.folder), *extra],
            stdout=self.log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.control = self.wait_for("the control page's address", self._control_address, READY_LIMIT_S)

    def _control_address(self) -> str | None:
        assert self.process is not None
        said = (self.folder / "demo.log").read_text()
        assert self.process.poll() is None, f"the demo ended:\n{said}"
        found = re.search(r"casser\s*:\s*(http://127\.0\.0\.1:\d+)/", said)
        return found[1] if found else None

    def stop(self) -> int:
        """Stop as Ctrl+C does; return the exit status."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(60)
        finally:
            self.log.close()

    def wait_for(self, what: str, look: Callable[[], _Found | None], limit_s: float) -> _Found:
        """Return what ``look`` finds; fail with ``what`` after ``limit_s``."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            found = look()
            if found:
                return found
            time.sleep(POLL_S)
        raise AssertionError(f"{what}: not within {limit_s:.0f} s\n{self.tail()}")

    def tail(self) -> str:
        logs = [self.folder / "demo.log", self.folder / "fleet.log", self.folder / "broker.log"]
        return "\n".join(
            f"== {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            for log in logs
            if log.exists()
        )

    def get(self, path: str, base: str | None = None) -> Any:
        """Return the JSON at ``path`` of the fleet's HTTP API."""
        with urllib.request.urlopen(f"{base or self.fleet}{path}", timeout=60) as answer:
            return json.load(answer)

    def page(self, path: str, base: str | None = None) -> str:
        """Return a page as text."""
        with urllib.request.urlopen(f"{base or self.fleet}{path}", timeout=60) as answer:
            return answer.read().decode()

    def post(self, path: str, base: str, **fields: str) -> int:
        """Post a form; return the status after redirects."""
        data = urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(f"{base}{path}", data=data, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def enrol(self, request: msgspec.Struct) -> int:
        """Post an enrolment; return the status."""
        url = f"{self.fleet}/api/v1/enrolments"
        posted = urllib.request.Request(url, data=msgspec.json.encode(request), method="POST")
        try:
            with urllib.request.urlopen(posted, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def gateway(self, eui: str) -> dict[str, Any]:
        """Return one gateway as the fleet lists it."""
        return next(row for row in self.get("/api/v1/gateways?limit=200")["items"] if row["eui"] == eui)

    def mails(self) -> list[Any]:
        """Return the mails sent so far, parsed."""
        files = sorted((self.folder / "mails").glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run one of our commands."""
        return subprocess.run(
            [sys.executable, "-m", "passerelle", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
