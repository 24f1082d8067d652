"""A concentrator on the virtual chip in virtual time, for the driver's tests."""

from dataclasses import dataclass, replace

from hal import thermometer
from hal.board_files import choose
from hal.global_conf import settings_of
from hal.microcode import Images
from hal.open import synthetic_images
from hal.settings import Settings
from hal.sx1302.driver import Sx1302
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.lines.local import ChipClock, LocalBus
from hal.wiring import Wiring


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    chip: VirtualChip
    clock: ChipClock
    driver: Sx1302

    def cost(self) -> int:
        return self.driver.registers.transactions


def rig(
    settings: Settings | None = None, *, model: int = 2, images: Images | None = None, sensor: bool = True
) -> Rig:
    chip = VirtualChip(clock=VirtualClock(), model=model)
    bus = LocalBus(chip)
    clock = ChipClock(chip)
    wiring = Wiring(
        bus=bus,
        clock=clock,
        sx1261=bus.sx1261,
        find_thermometer=(lambda: thermometer.find(bus)) if sensor else None,
    )
    driver = Sx1302(wiring, settings or choose("rak2287").settings, images or synthetic_images())
    return Rig(chip=chip, clock=clock, driver=driver)


def started(settings: Settings | None = None, *, model: int = 2) -> Rig:
    made = rig(settings, model=model)
    made.driver.start()
    return made


def with_lbt(threshold_dbm: int = -70) -> Settings:
    value = {
        "SX130x_conf": {
            "radio_0": {
                "enable": True,
                "type": "SX1250",
                "freq": 867500000,
                "tx_enable": True,
                "tx_freq_min": 863000000,
                "tx_freq_max": 870000000,
                "tx_gain_lut": [{"rf_power": 14, "pa_gain": 0, "pwr_idx": 17}],
            },
            "chan_multiSF_0": {"enable": True, "radio": 0, "if": 0},
            "sx1261_conf": {
                "lbt": {
                    "enable": True,
                    "rssi_target": threshold_dbm,
                    "channels": [
                        {
                            "freq_hz": 867500000,
                            "bandwidth": 125000,
                            "scan_time_us": 128,
                            "transmit_time_ms": 400,
                        }
                    ],
                }
            },
        }
    }
    return replace(settings_of(value), strict_tx=True)
