"""The demo's broker: Mosquitto with mutual TLS where the machine has it, else the wheel on loopback without.

The wheel (``iotcore``, rumqttd) checks no certificate, hence demo only and 127.0.0.1 only (DESIGN §5).
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from demo.child import Child
from demo.ports import free_port

MOSQUITTO_PLACES = ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPlan:
    """Which broker, where, and whether it asks for certificates."""

    program: str | None
    """Path of Mosquitto; None is the wheel."""
    port: int
    tls: bool

    @property
    def url(self) -> str:
        """The address in the form of PASSERELLE_BROKER_URL."""
        return f"{'mqtts' if self.tls else 'mqtt'}://127.0.0.1:{self.port}"


def plan_broker(*, without_mosquitto: bool = False) -> BrokerPlan:
    """Return Mosquitto if this machine has it, else the wheel."""
    program = shutil.which("mosquitto") or next(
        (place for place in MOSQUITTO_PLACES if Path(place).exists()), None
    )
    if without_mosquitto:
        program = None
    return BrokerPlan(program=program, port=free_port(), tls=program is not None)


def broker_child(plan: BrokerPlan, configuration: Path, log: Path) -> Child:
    """Return the broker's process, not yet started."""
    if plan.program is not None:
        return Child("broker", (plan.program, "-c", str(configuration)), log)
    return Child(
        "broker",
        (
            sys.executable,
            "-m",
            "iotcore",
            "--listen",
            "127.0.0.1",
            "--port",
            str(plan.port),
            "--log-level",
            "CRITICAL",
        ),
        log,
    )
