"""Start-up as an ordered tuple of named steps.

Every register is written in the reference's order; what is one burst here was neighbouring writes there.
Both radios are reset together, which halves the waiting.

Sources: FACTS §6 (the order), §14 (what the reference leaves unchecked).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hal.bus.access import Registers
from hal.bus.shadow import Write
from hal.errors import ChipMisbehaved, HalError, OurMistake
from hal.microcode import Images
from hal.registers import agc_mcu, arb_mcu, clk_ctrl, common, gpio, timestamp, tx_top_a
from hal.registers.bitfields import Field
from hal.settings import RF_CHAINS, Radio, Settings
from hal.sx1250.commands import calibrate_image, set_up
from hal.sx1250.driver import Sx1250
from hal.sx1261.driver import Sx1261
from hal.sx1302 import identity, mcu
from hal.sx1302.channels import front_end, multi_sf, plan, single_modems
from hal.sx1302.tx.writes import CHAIN_STEP
from hal.wiring import Thermometer, Wiring

SUPPLY_SETTLE_US = 500_000
"""Supply and crystal oscillator settle once, after RADIO_EN; the reference waits before the second reset too.
A reset itself needs 100 us of a low NRESET (SX1261/2 datasheet, of the same radio family)."""
RESET_STEP_US = 10_000
RADIO_ENABLE = (agc_mcu.AGC_MCU_RF_EN_A_RADIO_EN, agc_mcu.AGC_MCU_RF_EN_B_RADIO_EN)
RADIO_RESET = (agc_mcu.AGC_MCU_RF_EN_A_RADIO_RST, agc_mcu.AGC_MCU_RF_EN_B_RADIO_RST)
RADIO_MODE = (
    common.COMMON_CTRL0_SX1261_MODE_RADIO_A,
    common.COMMON_CTRL0_SX1261_MODE_RADIO_B,
)
CLOCK_SELECT = (
    clk_ctrl.CLK_CTRL_CLK_SEL_CLK_RADIO_A_SEL,
    clk_ctrl.CLK_CTRL_CLK_SEL_CLK_RADIO_B_SEL,
)
CONTROL_BLOCKS = ((0x5600, 6), (0x5780, 0x41))
"""Address and count of what is read once so that fields can be written without a read each."""
CONFIGURATION_BLOCKS = ((0x5648, 8), (0x5701, 0x15), (0x5800, 0xC2), (0x5B00, 0x65), (0x6080, 0x81))
TX_BLOCK = (0x5200, 0x6F)
CONFIGURED = 0x01
HOST_RADIO_CTRL = 0x08
"""Set after a reset, cleared by every start (FACTS §6.5)."""


@dataclass(slots=True, kw_only=True)
class Boot:
    """What the steps share; ``identity`` and ``thermometer`` are their results."""

    registers: Registers
    wiring: Wiring
    settings: Settings
    images: Images
    sx1261: Sx1261 | None
    version: int = 0
    model: int = 0
    eui: str = ""
    thermometer: Thermometer | None = None
    warnings: list[str] = field(default_factory=list)

    def radios(self) -> Iterator[tuple[int, Radio]]:
        """Yield the enabled radios with their chains."""
        for rf_chain, radio in enumerate(self.settings.radios):
            if radio is not None:
                yield rf_chain, radio

    def sleep_us(self, microseconds: int) -> None:
        """Wait."""
        self.wiring.clock.sleep(microseconds / 1e6)

    def learn(self, blocks: tuple[tuple[int, int], ...]) -> None:
        """Read blocks into the shadow."""
        for address, count in blocks:
            self.registers.read(address, count)


def _identify(boot: Boot) -> None:
    if boot.wiring.reset is not None:
        boot.wiring.reset()
    boot.registers.shadow.forget()
    boot.version = identity.read_version(boot.registers)
    if boot.version not in identity.KNOWN_VERSIONS:
        boot.warnings.append(f"unknown chip version {boot.version:#04x}: a noisy bus, or a newer chip")
    boot.registers.write_field(gpio.GPIO_GPIO_OUT_L_OUT_VALUE, 0)
    boot.learn(CONTROL_BLOCKS)
    if not boot.registers.byte(common.COMMON_CTRL0_HOST_RADIO_CTRL.address) & HOST_RADIO_CTRL:
        _quieten(boot)


def _quieten(boot: Boot) -> None:
    """Take back what an earlier start left: no reset reached the chip, which is worth a warning."""
    boot.warnings.append("the chip was not reset: is its reset line wired and named right?")
    leftovers: list[Write] = [
        (common.COMMON_GEN_GLOBAL_EN, 0),
        (agc_mcu.AGC_MCU_CTRL_MCU_CLEAR, 1),
        (agc_mcu.AGC_MCU_MCU_MAIL_BOX_WR_DATA_BYTE2_MCU_MAIL_BOX_WR_DATA, 0),
        (arb_mcu.ARB_MCU_CTRL_MCU_CLEAR, 1),
        (common.COMMON_CTRL0_HOST_RADIO_CTRL, 1),
    ]
    for write in leftovers:
        boot.registers.apply([write], known_only=False)


def _on_every_radio(boot: Boot, fields: tuple[Field, ...], value: int) -> None:
    """Write one field for all enabled radios: neighbours, so one transaction."""
    boot.registers.apply([(fields[rf_chain], value) for rf_chain, _ in boot.radios()])


def _reset_radios(boot: Boot, *, settle_us: int = 0) -> None:
    """Pulse the reset of the radios; ``settle_us`` after they got their supply."""
    boot.registers.apply([(common.COMMON_CTRL0_CLK32_RIF_CTRL, 0)])
    _on_every_radio(boot, RADIO_ENABLE, 1)
    _on_every_radio(boot, RADIO_RESET, 1)
    if settle_us:
        boot.sleep_us(settle_us)
    _on_every_radio(boot, RADIO_RESET, 0)
    boot.sleep_us(RESET_STEP_US)
    _on_every_radio(boot, RADIO_RESET, 1)
    boot.sleep_us(RESET_STEP_US)


def _radio_modes(boot: Boot) -> None:
    _on_every_radio(boot, RADIO_MODE, 1)


def _select_clock(boot: Boot) -> None:
    source = boot.settings.clock_source
    selection: list[Write] = [(CLOCK_SELECT[chain], int(chain == source)) for chain in range(RF_CHAINS)]
    boot.registers.apply(selection)
    boot.registers.apply([(clk_ctrl.CLK_CTRL_CLK_SEL_CLKDIV_EN, 1)])
    boot.registers.apply([(common.COMMON_CTRL0_CLK32_RIF_CTRL, 1)])


def _calibrate_radios(boot: Boot) -> None:
    _reset_radios(boot, settle_us=SUPPLY_SETTLE_US)
    _radio_modes(boot)
    _select_clock(boot)
    boot.registers.apply([(agc_mcu.AGC_MCU_CTRL_FORCE_HOST_FE_CTRL, 1)], known_only=False)
    quiet: list[Write] = [(agc_mcu.AGC_MCU_RF_EN_A_PA_EN, 0), (agc_mcu.AGC_MCU_RF_EN_A_LNA_EN, 0)]
    boot.registers.apply(quiet, known_only=False)
    for rf_chain, radio in boot.radios():
        Sx1250(boot.registers, rf_chain, boot.wiring.clock).run(calibrate_image(radio))
    boot.registers.apply([(agc_mcu.AGC_MCU_CTRL_FORCE_HOST_FE_CTRL, 0)], known_only=False)


def _set_up_radios(boot: Boot) -> None:
    _reset_radios(boot)
    for rf_chain, radio in boot.radios():
        Sx1250(boot.registers, rf_chain, boot.wiring.clock).run(set_up(radio))
    _radio_modes(boot)
    _select_clock(boot)
    boot.registers.apply([(common.COMMON_CTRL0_HOST_RADIO_CTRL, 0)], known_only=False)


def configuration(settings: Settings) -> list[Write]:
    """Return every write between the radios' set-up and the modems' enables, in the reference's order."""
    service = [] if settings.service is None else single_modems.service(settings.service, settings)
    fsk = [] if settings.fsk is None else single_modems.fsk(settings.fsk)
    return [
        *front_end.timestamp_mode(settings.fine_timestamp),
        *front_end.pins(),
        *front_end.switches(),
        *front_end.digital_front_ends(),
        *plan.channelizer(settings),
        *plan.correlators(settings),
        *multi_sf.modems(settings),
        *service,
        *fsk,
        *multi_sf.sync_words(settings),
    ]


def _read_identity(boot: Boot) -> None:
    boot.eui = identity.read_eui(boot.registers)
    if boot.settings.fine_timestamp is not None:
        boot.model = identity.read_model(boot.registers)
        if boot.model != identity.SX1303:
            raise OurMistake(f"needs an SX1303, the chip is {boot.model:#04x}", where="fine_timestamp")


def _configure(boot: Boot) -> None:
    boot.learn(CONFIGURATION_BLOCKS)
    boot.registers.write_segments(
        boot.registers.plan_in_any_order(configuration(boot.settings), known_only=False)
    )
    boot.registers.apply(multi_sf.enable_modems(), known_only=False)
    boot.registers.apply(multi_sf.enable_reception(), known_only=False)


def _start_agc(boot: Boot) -> None:
    sx1261 = boot.settings.sx1261
    mcu.load(boot.registers, mcu.AGC, boot.images.agc)
    mcu.start_agc(
        boot.registers,
        boot.wiring.clock,
        boot.images,
        listen_before_talk=sx1261 is not None and sx1261.lbt is not None,
    )


def _start_arb(boot: Boot) -> None:
    mcu.load(boot.registers, mcu.ARB, boot.images.arb)
    mcu.start_arb(boot.registers, boot.wiring.clock, boot.images, boot.settings.fine_timestamp)


def _prepare_transmission(boot: Boot) -> None:
    registers = boot.registers
    address, count = TX_BLOCK
    writes: list[Write] = []
    for one_field, value in (
        (tx_top_a.TX_TOP_A_TX_RFFE_IF_CTRL2_PLL_DIV_CTRL_AGC, 1),
        (tx_top_a.TX_TOP_A_TX_RFFE_IF_CTRL_TX_IF_DST, 1),
        (tx_top_a.TX_TOP_A_TX_RFFE_IF_CTRL_TX_MODE, 1),
        (tx_top_a.TX_TOP_A_TX_RFFE_IF_CTRL_TX_CLK_EDGE, 0),
    ):
        writes += [(one_field.moved(CHAIN_STEP * chain), value) for chain in range(RF_CHAINS)]
    for chain in range(RF_CHAINS):
        registers.read(address + CHAIN_STEP * chain, count)
    for chain, radio in boot.radios():
        if radio.tx_enabled:
            writes += _zero_offsets(chain)
    registers.write_segments(registers.plan_in_any_order(writes, known_only=False))
    registers.apply(
        [(timestamp.TIMESTAMP_GPS_CTRL_GPS_EN, 1), (timestamp.TIMESTAMP_GPS_CTRL_GPS_POL, 1)],
        known_only=False,
    )


def _zero_offsets(chain: int) -> list[Write]:
    """Return the gains and offsets that an SX1250 never changes, so that no transmission has to."""
    fields = (
        tx_top_a.TX_TOP_A_TX_RFFE_IF_IQ_GAIN_IQ_GAIN,
        tx_top_a.TX_TOP_A_TX_RFFE_IF_I_OFFSET_I_OFFSET,
        tx_top_a.TX_TOP_A_TX_RFFE_IF_Q_OFFSET_Q_OFFSET,
    )
    return [(each.moved(CHAIN_STEP * chain), 0) for each in fields]


def _find_thermometer(boot: Boot) -> None:
    find = boot.wiring.find_thermometer
    boot.thermometer = None if find is None else find()
    if boot.thermometer is None:
        boot.warnings.append("no temperature sensor: RSSI is not compensated for temperature")


def _start_sx1261(boot: Boot) -> None:
    if boot.settings.sx1261 is None:
        return
    if boot.sx1261 is None:
        raise OurMistake("the settings use an SX1261, the board has none", where="sx1261_conf")
    boot.sx1261.start(boot.images, boot.settings.reference_hz)


def _finish(boot: Boot) -> None:
    boot.registers.write_field(gpio.GPIO_GPIO_OUT_L_OUT_VALUE, CONFIGURED)


STEPS: tuple[tuple[str, Callable[[Boot], None]], ...] = (
    ("identify", _identify),
    ("calibrate radios", _calibrate_radios),
    ("set up radios", _set_up_radios),
    ("read identity", _read_identity),
    ("configure", _configure),
    ("start AGC", _start_agc),
    ("start ARB", _start_arb),
    ("prepare transmission", _prepare_transmission),
    ("find thermometer", _find_thermometer),
    ("start SX1261", _start_sx1261),
    ("finish", _finish),
)


def run(boot: Boot) -> None:
    """Run the steps; an error says which one failed.

    Raises:
        HalError: of the kind that the step raised.
    """
    for name, step in STEPS:
        try:
            step(boot)
        except HalError as error:
            if isinstance(error, ChipMisbehaved):
                error.add_note(f"start-up step: {name}")
            raise
