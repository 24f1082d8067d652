"""Radio: the faults of the virtual chip, as the agent meets them on its bus."""

from typing import Any

from agent.wire.messages import Change, Radio
from hal.twin.faults import Mcu
from hal.twin.lines.server import TwinServer
from tests.controlpath.rig import Rig
from tests.soak.faults.fault import Act, Fault, any_beat, beat


def set_fault(name: str, value: object) -> Act:
    """Return an act that gives the chip a fault, or takes it away."""
    return lambda rig: setattr(rig.chip.faults, name, value)


def new_twin(rig: Rig) -> None:
    """The concentrator is plugged in again."""
    rig.twin = TwinServer(rig.chip, rig.folder / "chip")
    rig.twin.start()


def silence_mcu(rig: Rig) -> None:
    """The AGC's microcontroller does not come up after the next reset, which comes at once."""
    rig.chip.faults.silent_mcus.add(Mcu.AGC)
    rig.chip.reset()


def lost(leaf: str, one: Any) -> bool:
    """The journal says that the radio no longer receives."""
    return leaf == "journal" and one.change is Change.RADIO and one.value in {"OFF", "DEAF"}


FAULTS = (
    Fault(
        name="AGC bloqué",
        strike=set_fault("agc_stuck", True),
        told=beat(radio=Radio.DEAF),
        heal=set_fault("agc_stuck", False),
    ),
    Fault(
        name="bus mort (0x00)",
        strike=set_fault("dead_bus", 0x00),
        told=lost,
        heal=set_fault("dead_bus", None),
    ),
    Fault(
        name="bus mort (0xFF)",
        strike=set_fault("dead_bus", 0xFF),
        told=lost,
        heal=set_fault("dead_bus", None),
    ),
    Fault(
        name="microcontrôleur muet au redémarrage",
        strike=silence_mcu,
        told=lost,
        heal=lambda rig: rig.chip.faults.silent_mcus.clear(),
    ),
    Fault(
        name="concentrateur débranché",
        strike=lambda rig: rig.twin.close(),
        told=lost,
        heal=new_twin,
    ),
    Fault(name="remise à zéro spontanée de la puce", strike=lambda rig: rig.chip.reset(), told=lost),
    Fault(
        name="compteur qui saute",
        strike=lambda rig: rig.chip.slip_counter(32_000_000 * 20),
        told=lost,
    ),
    Fault(
        name="capteur de température absent",
        strike=set_fault("missing_sensor", True),
        told=any_beat,
        heal=set_fault("missing_sensor", False),
        hears_meanwhile=True,
    ),
)
