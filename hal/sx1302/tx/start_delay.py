"""How long a packet starts after its trigger: TX_START_DELAY, by which its instant is brought forward.

For FSK two lineages of the reference disagree, and no recording settles it (``hal/README.md``, what silicon
has not proved):

    0        sx1302_hal 2.1.0, ``loragw_sx1302.c:sx1302_tx_set_start_delay`` ("only necessary for
             beaconing"), and ChirpStack's fork of it; the register keeps what the packet before wrote
    0xBB80   Basics Station 2.0.6, ``deps/lgw1302/V2.1.0-corecell.patch``: ``*delay = tx_start_delay``

The second is taken: the register belongs to the TX state machine in front of both modulators, which waits
for PLL and PA whatever they send; the SX1301's library brings every modulation forward by its delay
(lora_gateway, ``loragw_hal.c:lgw_send``); and Station is what serves FSK downlinks at scale.  The register
is written for FSK too, so that no LoRa packet before it decides.

Sources: FACTS §10; the files above.
"""

from hal.packets import Cw, Fsk, Lora

START_DELAY_TICKS = 48_000
"""1500 us, in 1/32 us: calibrated for 500 kHz, and the register's value at power-on (0xBB80)."""
FSK_START_DELAY_TICKS = START_DELAY_TICKS
"""The one figure that a board has to confirm; see above."""
RADIO_DELAY_TICKS = {125_000: 19, 250_000: 24, 500_000: 21}
"""What an SX1250 takes at each bandwidth."""
MODEM_DELAY_CHIPS = 8


def start_delay_ticks(modulation: Lora | Fsk | Cw) -> int:
    """Return how long before its instant a timestamped packet is triggered, in 1/32 us; 0 for a carrier.

    >>> start_delay_ticks(Lora(sf=9)), start_delay_ticks(Lora(sf=12, bandwidth_hz=500_000))
    (47413, 47709)
    >>> start_delay_ticks(Fsk()), start_delay_ticks(Cw())
    (48000, 0)
    """
    match modulation:
        case Cw():
            return 0
        case Fsk():
            return FSK_START_DELAY_TICKS
        case Lora(bandwidth_hz=bandwidth_hz):
            filtering = ((1 << chirp_lowpass(modulation)) - 1) * 1_000_000 // bandwidth_hz
            modem = MODEM_DELAY_CHIPS * 1_000_000 // bandwidth_hz
            return START_DELAY_TICKS - RADIO_DELAY_TICKS[bandwidth_hz] - filtering - modem


def chirp_lowpass(modulation: Lora) -> int:
    """Return the setting of the chirp's filter."""
    return 6 if modulation.sf < 10 else 7
