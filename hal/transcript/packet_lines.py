"""A received frame as the reference prints it: one ``PKT key=value`` line.

An FSK packet's ``foff`` is what the reference leaves there: the value of the packet that last stood in the
same place of its array.  ``PacketPrinter`` keeps those places.

Sources: the results beside the reference's transcripts.
"""

from hal.packets import Crc, Fsk, Lora, ReceivedFrame
from hal.settings import Settings
from hal.sx1302.channels.single_modems import BANDWIDTH_CODES

STATUS = {Crc.OK: 0x10, Crc.BAD: 0x11, Crc.ABSENT: 0x01}


class PacketPrinter:
    """Prints the frames of one run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._offsets: dict[int, int] = {}

    def fields(self, frames: list[ReceivedFrame]) -> list[dict[str, str]]:
        """Return the keys and values of each frame of one fetch."""
        rows = []
        for place, frame in enumerate(frames):
            if isinstance(frame.modulation, Lora):
                self._offsets[place] = frame.frequency_offset_hz
            rows.append(self._row(frame, self._offsets.get(place, 0)))
        return rows

    def _row(self, frame: ReceivedFrame, offset_hz: int) -> dict[str, str]:
        return {
            "if": f"{frame.if_channel}",
            "rf": f"{frame.rf_chain}",
            "modem": f"{frame.modem}",
            "freq": f"{frame.frequency_hz}",
            "foff": f"{offset_hz}",
            "status": f"0x{STATUS[frame.crc]:02X}",
            "count_us": f"{frame.tmst}",
            **self._modulation(frame),
            "rssic": f"{frame.rssi_channel_dbm:.2f}",
            "rssis": f"{frame.rssi_signal_dbm:.2f}",
            "snr": f"{frame.snr_db:.2f}",
            "crc": f"{frame.crc16:04X}",
            "size": f"{len(frame.payload)}",
            "ftime_ok": f"{int(frame.fine_ns is not None)}",
            "ftime": f"{frame.fine_ns or 0}",
            "pl": frame.payload.hex(),
        }

    def _modulation(self, frame: ReceivedFrame) -> dict[str, str]:
        modulation = frame.modulation
        if isinstance(modulation, Fsk):
            fsk = self._settings.fsk
            code = BANDWIDTH_CODES[125_000 if fsk is None else fsk.channel.bandwidth_hz]
            return {"mod": "0x20", "bw": f"{code}", "dr": f"{modulation.bitrate_bps}", "cr": "0"}
        return {
            "mod": "0x10",
            "bw": f"{BANDWIDTH_CODES[modulation.bandwidth_hz]}",
            "dr": f"{modulation.sf}",
            "cr": f"{modulation.coding_rate}",
        }


def line(row: dict[str, str]) -> str:
    """Return one frame as a line."""
    return "PKT " + " ".join(f"{key}={value}" for key, value in row.items())
