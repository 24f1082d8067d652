"""Any program that talks to spidev and i2c-dev can be led to the twin: here Python's own ioctl does."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hal.twin import preload
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.lines.server import TwinServer

SOURCE = Path(next(iter(preload.__path__))) / "twin_preload.c"
PROGRAM = """
import array, ctypes, fcntl, os, struct

SPI_IOC_MESSAGE_2, I2C_RDWR = 0x40406B00, 0x0707
os.close(os.open("/dev/null", os.O_RDONLY))
spi = os.open("/dev/spidev0.0", os.O_RDWR)

def transfer(tx, rx):
    sent, received = ctypes.create_string_buffer(tx, len(tx)), ctypes.create_string_buffer(rx)
    head = struct.pack("<QQIIHBBBBH", ctypes.addressof(sent), 0, len(tx), 2000000, 0, 8, 0, 0, 0, 0)
    tail = struct.pack("<QQIIHBBBBH", 0, ctypes.addressof(received), rx, 2000000, 0, 8, 0, 0, 0, 0)
    fcntl.ioctl(spi, SPI_IOC_MESSAGE_2, head + tail)
    return received.raw

fcntl.ioctl(spi, 0x40016B01, b"\\x03")
mode = bytearray(1)
fcntl.ioctl(spi, 0x80016B01, mode)
assert mode == b"\\x03", "the mode as it was written"
try:
    fcntl.ioctl(spi, 0x5401, bytearray(64))
except OSError:
    pass
else:
    raise AssertionError("a bus is no terminal")
assert transfer(bytes((0, 0x56, 0x06, 0)), 1) == b"\\x10", "the version register"
i2c = os.open("/dev/i2c-1", os.O_RDWR)
pointer, value = ctypes.create_string_buffer(b"\\xfe", 1), ctypes.create_string_buffer(1)
messages = struct.pack("<HHHxxQ", 0x39, 0, 1, ctypes.addressof(pointer))
messages += struct.pack("<HHHxxQ", 0x39, 1, 1, ctypes.addressof(value))
block = ctypes.create_string_buffer(messages, len(messages))
fcntl.ioctl(i2c, I2C_RDWR, struct.pack("<QI4x", ctypes.addressof(block), 2))
assert value.raw == b"\\x53", "the maker of the thermometer"
os.close(spi)
print("met the twin")
"""


@pytest.mark.slow
def test_spidev_and_i2c_lead_to_the_twin(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (cc): the preload library is NOT tried")
    library = tmp_path / "twin_preload.so"
    flags = ("-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O2")
    subprocess.run([compiler, *flags, "-o", library, SOURCE, "-ldl", "-lpthread"], check=True)
    chip = VirtualChip(clock=VirtualClock())
    with TwinServer(chip, tmp_path / "chip") as server:
        environment = {
            "LD_PRELOAD": str(library),
            "PASSERELLE_TWIN": str(server.path),
            "PATH": "/usr/bin:/bin",
        }
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
        )
    assert (run.stdout, run.stderr) == ("met the twin\n", "")
    assert chip.resets == 1
