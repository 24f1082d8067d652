"""A client from TWIN_SOCKET.md alone: a socket, struct and bytes start the chip, receive and send."""

import socket
import struct
from pathlib import Path

from hal.packets import Lora
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.emission import Emission
from hal.twin.images import synthetic_agc, synthetic_arb
from hal.twin.lines.server import TwinServer
from hal.twin.rf_event import ReceptionVerdict, RfEvent
from tests.unit.hal.twin.bring_up import RawHost


class RawClient:
    def __init__(self, path: Path) -> None:
        self.end = socket.socket(socket.AF_UNIX)
        self.end.settimeout(60)
        self.end.connect(str(path))

    def exactly(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            chunk = self.end.recv(count - len(received))
            assert chunk, "the chip hung up"
            received += chunk
        return received

    def spi(self, mosi: bytes, device: int = 0) -> bytes:
        self.end.sendall(b"S" + bytes((device,)) + struct.pack("<I", len(mosi)) + mosi)
        (length,) = struct.unpack("<I", self.exactly(4))
        assert length == len(mosi)
        return self.exactly(length)

    def i2c(self, address: int, write: bytes = b"", read: int = 0) -> tuple[int, bytes]:
        self.end.sendall(b"I" + bytes((address,)) + struct.pack("<HH", len(write), read) + write)
        return self.exactly(1)[0], self.exactly(read)

    def delay(self, nanoseconds: int) -> None:
        self.end.sendall(b"D\0" + struct.pack("<IQ", 8, nanoseconds))


def test_start_receive_and_send(tmp_path: Path) -> None:
    emissions: list[Emission] = []
    chip = VirtualChip(clock=VirtualClock(), on_emission=emissions.append)
    with TwinServer(chip, tmp_path / "chip") as server:
        client = RawClient(server.path)
        host = RawHost(client.spi)
        client.end.sendall(b"R\0" + bytes(4) + b"M\0" + struct.pack("<I", 5) + b"start")
        host.start(synthetic_agc(), synthetic_arb())
        assert host.read(0x5606) == b"\x10"
        assert client.i2c(0x39, write=b"\xfe") == (0, b"")
        assert client.i2c(0x39, read=1) == (0, b"\x53")
        assert client.i2c(0x40, read=2) == (1, b"\0\0")

        event = RfEvent(payload=b"bonjour", modulation=Lora(sf=7), frequency_hz=868_100_000)
        assert chip.inject(event) is ReceptionVerdict.HEARD
        frame = host.fetch()
        assert frame[:3] == b"\xa5\xc0\x07"
        assert frame[9:16] == b"bonjour"

        client.end.sendall(b"J\0" + struct.pack("<I", 3) + b"\x01\x02\x03")
        assert host.fetch() == b"\x01\x02\x03"

        host.prepare_lora(b"salut")
        host.trigger(delayed_to=host.counter() + 32_000_000)
        assert host.read(0x5211) == b"\x91"
        client.delay(1_000_000_000)
        assert host.read(0x5211) == b"\x60"
        client.delay(1_000_000_000)
        assert host.read(0x5211) == b"\x80"
        client.end.close()
    assert server.mark == "start"
    assert [emission.payload for emission in emissions] == [b"salut"]
    assert list(chip.complaints) == []


def test_a_bad_frame_ends_the_connection_and_the_next_program_is_served(tmp_path: Path) -> None:
    chip = VirtualChip(clock=VirtualClock())
    with TwinServer(chip, tmp_path / "chip") as server:
        for bad in (
            b"X\0\0\0\0\0",
            b"S\0" + struct.pack("<I", 65_537),
            b"S\2" + struct.pack("<I", 0),
            b"D\0\1\0\0\0",
        ):
            client = RawClient(server.path)
            client.end.sendall(bad)
            assert client.end.recv(1) == b"", bad
        client = RawClient(server.path)
        assert client.spi(bytes((0, 0x56, 0x06, 0, 0)))[4] == 0x10
        client.end.close()
    assert server.refused_frames == 4
