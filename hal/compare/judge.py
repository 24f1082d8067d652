"""The other side's process: a libloragw behind lines of JSON, so that its prints and its faults stay its own.

    {"do": "start", "settings": {…}}   {"do": "receive"}   {"do": "send", …}
    {"do": "abort", "rf_chain": 0}     {"do": "stop"}

It is started with the twin's preload library, which leads its spidev and i2c-dev calls to a virtual chip.
"""

import ctypes
import json
import os
import sys
from typing import Any

from hal.compare import loragw

ANSWERS_FD_VARIABLE = "PASSERELLE_COMPARE_FD"


class Judge:
    """One library, one run."""

    def __init__(self, path: str) -> None:
        self._library = loragw.load(path)

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Hand the configuration over and start."""
        self._configure(request["settings"])
        return {"ok": self._library.lgw_start() == loragw.SUCCESS}

    def _configure(self, settings: dict[str, Any]) -> None:
        library = self._library
        board = loragw.Board(
            lorawan_public=settings["public"],
            clksrc=settings["clock_source"],
            com_type=loragw.SPI,
            com_path=b"/dev/spidev0.0",
        )
        library.lgw_board_setconf(ctypes.byref(board))
        for chain, radio in enumerate(settings["radios"]):
            if radio is not None:
                library.lgw_rxrf_setconf(chain, ctypes.byref(_radio(radio)))
                library.lgw_txgain_setconf(chain, ctypes.byref(_gains(radio["gains"])))
        for index, channel in enumerate(_channels(settings)):
            library.lgw_rxif_setconf(index, ctypes.byref(channel))
        mask = sum(1 << sf - 5 for sf in settings["spreading_factors"])
        library.lgw_demod_setconf(ctypes.byref(loragw.Demodulators(multisf_datarate=mask)))
        mode = settings["fine_timestamp"]
        fine = loragw.FineTime(enable=mode is not None, mode=int(mode == "all_sf"))
        library.lgw_ftime_setconf(ctypes.byref(fine))
        if settings["sx1261"] is not None:
            library.lgw_sx1261_setconf(ctypes.byref(_sx1261(settings["sx1261"])))

    def receive(self, _: dict[str, Any]) -> dict[str, Any]:
        """Return what the library has received."""
        packets = (loragw.Received * loragw.PACKETS)()
        count = self._library.lgw_receive(loragw.PACKETS, packets)
        return {"ok": count >= 0, "packets": [_packet(packets[index]) for index in range(max(count, 0))]}

    def send(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send one packet."""
        code = self._library.lgw_send(ctypes.byref(_transmission(request["transmission"])))
        return {"outcome": {loragw.SUCCESS: "sent", loragw.NOT_ALLOWED: "blocked"}.get(code, "refused")}

    def abort(self, request: dict[str, Any]) -> dict[str, Any]:
        """End what one chain sends."""
        return {"ok": self._library.lgw_abort_tx(request["rf_chain"]) == loragw.SUCCESS}

    def stop(self, _: dict[str, Any]) -> dict[str, Any]:
        """Stop."""
        return {"ok": self._library.lgw_stop() == loragw.SUCCESS}


def _radio(radio: dict[str, Any]) -> loragw.Radio:
    compensation = loragw.Compensation(**{f"coeff_{name}": radio["compensation"][name] for name in "abcde"})
    return loragw.Radio(
        enable=True,
        freq_hz=radio["frequency_hz"],
        rssi_offset=radio["rssi_offset_db"],
        rssi_tcomp=compensation,
        type=loragw.SX1250,
        tx_enable=radio["tx_enabled"],
        single_input_mode=radio["single_input"],
    )


def _gains(gains: list[dict[str, Any]]) -> loragw.Gains:
    table = loragw.Gains(size=len(gains))
    for index, gain in enumerate(gains):
        table.lut[index] = loragw.Gain(
            rf_power=gain["power_dbm"],
            pa_gain=gain["pa_gain"],
            mix_gain=loragw.MIXER_GAIN,
            pwr_idx=gain["power_index"],
        )
    return table


def _channels(settings: dict[str, Any]) -> list[loragw.Channel]:
    channels = [_channel(channel) for channel in settings["channels"]]
    service, fsk = settings["service"], settings["fsk"]
    lora = _channel(None if service is None else service["channel"])
    if service is not None:
        lora.datarate = service["sf"]
        lora.implicit_hdr = service["implicit_header"]
        lora.implicit_payload_length = service["implicit_payload_bytes"]
        lora.implicit_crc_en = service["implicit_crc"]
        lora.implicit_coderate = service["implicit_coding_rate"]
    other = _channel(None if fsk is None else fsk["channel"])
    if fsk is not None:
        other.datarate = fsk["bitrate_bps"]
    return [*channels, lora, other]


def _channel(channel: dict[str, Any] | None) -> loragw.Channel:
    if channel is None:
        return loragw.Channel(enable=False)
    return loragw.Channel(
        enable=True,
        rf_chain=channel["rf_chain"],
        freq_hz=channel["if_hz"],
        bandwidth=loragw.BANDWIDTHS[channel["bandwidth_hz"]],
    )


def _sx1261(settings: dict[str, Any]) -> loragw.Sx1261:
    lbt = settings["lbt"]
    conf = loragw.Sx1261(enable=True, spi_path=b"/dev/spidev0.1", rssi_offset=settings["rssi_offset_db"])
    if lbt is None:
        return conf
    conf.lbt_conf.enable = True
    conf.lbt_conf.rssi_target = lbt["threshold_dbm"]
    conf.lbt_conf.nb_channel = len(lbt["channels"])
    for index, channel in enumerate(lbt["channels"]):
        conf.lbt_conf.channels[index] = loragw.LbtChannel(
            freq_hz=channel["frequency_hz"],
            bandwidth=loragw.BANDWIDTHS[channel["bandwidth_hz"]],
            scan_time_us=channel["scan_us"],
            transmit_time_ms=channel["transmit_limit_ms"],
        )
    return conf


def _transmission(sent: dict[str, Any]) -> loragw.Sent:
    payload = bytes.fromhex(sent["payload"])
    packet = loragw.Sent(
        freq_hz=sent["frequency_hz"],
        tx_mode=loragw.TRIGGERS[sent["trigger"]],
        count_us=sent["at_us"] or 0,
        rf_chain=sent["rf_chain"],
        rf_power=sent["power_dbm"],
        bandwidth=loragw.BANDWIDTHS[sent["bandwidth_hz"]],
        invert_pol=sent["invert_polarity"],
        preamble=sent["preamble_symbols"],
        no_crc=not sent["with_crc"],
        no_header=sent["implicit_header"],
        size=len(payload),
        payload=(ctypes.c_uint8 * loragw.PAYLOAD_BYTES)(*payload),
    )
    if "sf" in sent:
        packet.modulation, packet.datarate, packet.coderate = loragw.LORA, sent["sf"], sent["coding_rate"]
    elif "bitrate_bps" in sent:
        packet.modulation, packet.datarate = loragw.FSK, sent["bitrate_bps"]
        packet.f_dev = sent["deviation_hz"] // 1000
    else:
        packet.modulation, packet.freq_offset = loragw.CARRIER, sent["offset_hz"] // 1000
    return packet


def _packet(packet: loragw.Received) -> dict[str, str]:
    """Return a received packet by the keys of ``hal.transcript.packet_lines``."""
    return {
        "if": f"{packet.if_chain}",
        "rf": f"{packet.rf_chain}",
        "modem": f"{packet.modem_id}",
        "freq": f"{packet.freq_hz}",
        "foff": f"{packet.freq_offset}",
        "status": f"0x{packet.status:02X}",
        "count_us": f"{packet.count_us}",
        "mod": f"0x{packet.modulation:02x}",
        "bw": f"{packet.bandwidth}",
        "dr": f"{packet.datarate}",
        "cr": f"{packet.coderate}",
        "rssic": f"{packet.rssic:.2f}",
        "rssis": f"{packet.rssis:.2f}",
        "snr": f"{packet.snr:.2f}",
        "crc": f"{packet.crc:04X}",
        "size": f"{packet.size}",
        "ftime_ok": f"{int(packet.ftime_received)}",
        "ftime": f"{packet.ftime if packet.ftime_received else 0}",
        "pl": bytes(packet.payload[: packet.size]).hex(),
    }


def main(arguments: list[str]) -> int:
    """Serve requests from standard input; answers leave by the descriptor that the parent names."""
    judge = Judge(arguments[0])
    serve = {name: getattr(judge, name) for name in ("start", "receive", "send", "abort", "stop")}
    with os.fdopen(int(os.environ[ANSWERS_FD_VARIABLE]), "w") as answers:
        for line in sys.stdin:
            request = json.loads(line)
            print(json.dumps(serve[request["do"]](request)), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
