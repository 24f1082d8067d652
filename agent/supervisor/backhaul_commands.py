"""What a stage of the backhaul's ladder does on a machine with these links, as commands (pure).

    renew address     connect the device of the default route again: DHCP, or PDP of a modem
                      (no default route: every device that is not connected)
    reset modem       as ModemManager resets it
    power modem       off and on
    other interface   connect another device and give the present one the worst metric;
                      with no other device: the modem's next SIM; with none: all networking off and on

Sources: nmcli(1) of NetworkManager 1.42, mmcli(1) of ModemManager 1.20.  A modem's device has the name of its
control port (``cdc-wdm0``) and another for IP (``wwan0``): ``GENERAL.IP-IFACE`` joins them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from agent.supervisor.step import Stage

LAST_METRIC = 20_000
"""NetworkManager's own metrics end at 20,000 behind a failed connectivity check."""
CONNECTED_STATE = 100
DISCONNECTED_STATE = 30
"""NMDeviceState: below it a device is unmanaged or unavailable."""
CARRIERS = frozenset({"ethernet", "wifi", "gsm", "cdma"})
LIST_DEVICES = (
    *("nmcli", "--terse", "--fields"),
    *("GENERAL.DEVICE,GENERAL.TYPE,GENERAL.STATE,GENERAL.IP-IFACE", "device", "show"),
)
SHOW_MODEM = ("mmcli", "--modem=any", "--output-keyvalue")

Command = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device of NetworkManager."""

    name: str
    kind: str
    state: int
    interface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What this machine has."""

    route: str | None
    """Interface of the default route."""
    devices: tuple[Device, ...] = ()
    sim_slots: int = 0
    sim_slot: int = 0
    """The one in use, from 1."""

    @property
    def present(self) -> Device | None:
        """The device that carries the default route."""
        return next(
            (device for device in self.devices if self.route in (device.interface, device.name)), None
        )


def commands_of(stage: Stage, links: Links) -> tuple[Command, ...]:
    """Return the commands of a backhaul stage, in order."""
    match stage:
        case Stage.RENEW_ADDRESS:
            return _renew(links)
        case Stage.RESET_MODEM:
            return (("mmcli", "--modem=any", "--reset"),)
        case Stage.POWER_MODEM:
            return (
                ("mmcli", "--modem=any", "--set-power-state-off"),
                ("mmcli", "--modem=any", "--set-power-state-on"),
            )
        case _:
            return _other(links)


def parse_devices(text: str) -> tuple[Device, ...]:
    """Return the devices in the output of ``LIST_DEVICES``.

    >>> parse_devices("GENERAL.DEVICE:cdc-wdm0\\nGENERAL.TYPE:gsm\\nGENERAL.STATE:100 (connected)\\n"
    ...               "GENERAL.IP-IFACE:wwan0\\n")[0].interface
    'wwan0'
    """
    return tuple(_device(block) for block in _blocks(text) if "GENERAL.DEVICE" in block)


def parse_sim_slots(text: str) -> tuple[int, int]:
    """Return (SIM slots, the one in use) out of the key-values of a modem; (0, 0) where it does not tell."""
    pairs = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    values = {key.strip(): value.strip() for key, value in pairs.items()}
    slots = values.get("modem.generic.sim-slots.length", "")
    slot = values.get("modem.generic.primary-sim-slot", "")
    return (int(slots), int(slot)) if slots.isdigit() and slot.isdigit() else (0, 0)


def _renew(links: Links) -> tuple[Command, ...]:
    present = links.present
    if present is not None:
        return (_connect(present),)
    asleep = [device for device in links.devices if _usable(device) and device.state < CONNECTED_STATE]
    return tuple(map(_connect, asleep)) or _everything()


def _other(links: Links) -> tuple[Command, ...]:
    present = links.present
    others = [device for device in links.devices if _usable(device) and device is not present]
    if others:
        worst = str(LAST_METRIC)
        aside = () if present is None else (_modify(present, worst),)
        return (_connect(others[0]), *aside)
    if links.sim_slots > 1:
        return (("mmcli", "--modem=any", f"--set-primary-sim-slot={links.sim_slot % links.sim_slots + 1}"),)
    return _everything()


def _usable(device: Device) -> bool:
    return device.kind in CARRIERS and device.state >= DISCONNECTED_STATE


def _connect(device: Device) -> Command:
    return ("nmcli", "device", "connect", device.name)


def _modify(device: Device, metric: str) -> Command:
    metrics = ("ipv4.route-metric", metric, "ipv6.route-metric", metric)
    return ("nmcli", "device", "modify", device.name, *metrics)


def _everything() -> tuple[Command, ...]:
    return (("nmcli", "networking", "off"), ("nmcli", "networking", "on"))


def _blocks(text: str) -> Iterator[dict[str, str]]:
    block: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            continue
        if name == "GENERAL.DEVICE" and block:
            yield block
            block = {}
        block[name] = value.replace("\\:", ":")
    yield block


def _device(block: dict[str, str]) -> Device:
    state = block.get("GENERAL.STATE", "").partition(" ")[0]
    return Device(
        name=block["GENERAL.DEVICE"],
        kind=block.get("GENERAL.TYPE", ""),
        state=int(state) if state.isdigit() else 0,
        interface=block.get("GENERAL.IP-IFACE", ""),
    )
