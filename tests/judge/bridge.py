"""ChirpStack Gateway Bridge as its maker builds it, between the agent and the broker.

It is no part of this project: ``PASSERELLE_CHIRPSTACK_BRIDGE`` names its program.
"""

import os
import subprocess
from pathlib import Path
from typing import Literal

VARIABLE = "PASSERELLE_CHIRPSTACK_BRIDGE"
Backend = Literal["semtech_udp", "basic_station"]
SETTINGS = """
[general]
log_level=3
[backend]
type="{backend}"
  [backend.semtech_udp]
  udp_bind="127.0.0.1:{port}"
  [backend.basic_station]
  bind="127.0.0.1:{port}"
  region="EU868"
  frequency_min=863000000
  frequency_max=870000000
    [[backend.basic_station.concentrators]]
      [backend.basic_station.concentrators.multi_sf]
      frequencies=[868100000,868300000,868500000,867100000,867300000,867500000,867700000,867900000]
      [backend.basic_station.concentrators.lora_std]
      frequency=868300000
      bandwidth=250000
      spreading_factor=7
      [backend.basic_station.concentrators.fsk]
      frequency=868800000
[integration]
marshaler="protobuf"
  [integration.mqtt]
  event_topic_template="eu868/gateway/{{{{ .GatewayID }}}}/event/{{{{ .EventType }}}}"
  state_topic_template="eu868/gateway/{{{{ .GatewayID }}}}/state/{{{{ .StateType }}}}"
  command_topic_template="eu868/gateway/{{{{ .GatewayID }}}}/command/#"
    [integration.mqtt.auth.generic]
    servers=["tcp://127.0.0.1:{broker}"]
    qos=1
"""


def program() -> Path | None:
    """Return the bridge that the environment names; None without one."""
    named = os.environ.get(VARIABLE, "")
    return Path(named) if named else None


class Bridge:
    """One bridge that runs."""

    def __init__(self, binary: Path, folder: Path, backend: Backend, *, port: int, broker: int) -> None:
        settings = folder / "bridge.toml"
        settings.write_text(SETTINGS.format(backend=backend, port=port, broker=broker))
        self._log = (folder / "bridge.log").open("wb")
        self._process = subprocess.Popen(
            [str(binary), "-c", str(settings)], stdout=self._log, stderr=subprocess.STDOUT
        )

    def stop(self) -> None:
        """End it at once: it waits for its broker, which may be gone."""
        self._process.kill()
        self._process.wait(10)
        self._log.close()


def version(binary: Path) -> str:
    """Return what the bridge calls itself."""
    done = subprocess.run([str(binary), "version"], capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip() or "built from source"
