"""A GSM modem behind a pseudo-terminal; runs on the booted machine itself, by the system's Python alone.

    python3 modem.py /dev/ttyUSB0 /var/lib/modem/sent        sent: a line of hexadecimal for each SMS-SUBMIT

Sources: 3GPP TS 27.007 (identity, PIN, registration, signal, battery), 27.005 clause 4 (AT+CMGS in PDU mode:
prompt, PDU, Ctrl-Z), ITU-T V.250 (command line, echo).
"""

import os
import pty
import re
import sys
import tty
from pathlib import Path

CTRL_Z, ESCAPE = b"\x1a", b"\x1b"
ANSWERS = {
    "AT+CGMI": "Passerelle",
    "AT+CGMM": "Essai",
    "AT+CGMR": "1.0",
    "AT+CGSN": "490154203237518",
    "AT+CIMI": "208010000000000",
    "AT+CPIN?": "+CPIN: READY",
    "AT+CREG?": '+CREG: 2,1,"0001","00000001"',
    "AT+CGREG?": "+CGREG: 2,1",
    "AT+COPS?": '+COPS: 0,2,"20801"',
    "AT+CSQ": "+CSQ: 20,0",
    "AT+CBC": "+CBC: 0,100",
    "AT+CSCS=?": '+CSCS: ("GSM","UCS2","HEX")',
    "AT+CSCS?": '+CSCS: "GSM"',
    "AT+CSCA?": '+CSCA: "+33609001390",145',
    "AT+CPMS=?": '+CPMS: ("SM"),("SM"),("SM")',
    "AT+CPMS?": '+CPMS: "SM",0,20,"SM",0,20,"SM",0,20',
    "AT+CMGF=?": "+CMGF: (0)",
    "AT+CNMI=?": "+CNMI: (0,1,2),(0,1),(0,2),(0,1),(0,1)",
}
"""What a modem answers before OK; it knows no other question."""
SET = re.compile(
    r"AT(E\d|Z|\+(CMEE|CSCS|CMGF|CNMI|CREG|CGREG|CFUN|CUSD|CMMS|CLIP|COPS|CSMP|CSCA|CMGL)=[^?]*)?"
)
"""What it may be asked to set; what makers added is an error, so that gammu does not take it for theirs."""


def answer(command: str) -> str:
    """Return what the modem says to a line that sends nothing.

    >>> answer("AT+CSQ").split(), answer("AT+CMGF=0").split(), answer("AT+CLIP=?").split()
    (['+CSQ:', '20,0', 'OK'], ['OK'], ['ERROR'])
    """
    if command in ANSWERS:
        return f"\r\n{ANSWERS[command]}\r\n\r\nOK\r\n"
    if command.startswith("AT+CPMS="):
        return "\r\n+CPMS: 0,20,0,20,0,20\r\n\r\nOK\r\n"
    return "\r\nOK\r\n" if SET.fullmatch(command) else "\r\nERROR\r\n"


class Modem:
    """What a serial line says to it, and what it says back."""

    def __init__(self, sent: Path) -> None:
        self._sent = sent
        self._line = b""
        self._awaits_pdu = False
        self._number = 0

    def take(self, byte: bytes) -> bytes:
        """Return what goes back for one byte."""
        if self._awaits_pdu:
            return self._take_pdu(byte)
        if byte != b"\r":
            self._line = b"" if byte in (b"\n", ESCAPE) else self._line + byte
            return byte
        command, self._line = self._line.decode("ascii", "replace").strip(), b""
        if command.startswith("AT+CMGS="):
            self._awaits_pdu = True
            return b"\r\r\n> "
        return byte + (answer(command).encode() if command else b"")

    def _take_pdu(self, byte: bytes) -> bytes:
        if byte not in (CTRL_Z, ESCAPE):
            self._line += byte.strip()
            return byte
        pdu, self._line, self._awaits_pdu = self._line.decode(), b"", False
        if byte == ESCAPE:
            return b"\r\nOK\r\n"
        self._number += 1
        with self._sent.open("a") as file:
            file.write(f"{pdu}\n")
        return f"\r\n+CMGS: {self._number % 256}\r\n\r\nOK\r\n".encode()


def main(device: str, sent: str) -> None:
    """Be the modem behind ``device`` until the process ends."""
    ours, theirs = pty.openpty()  # theirs stays open: the line goes on while nobody has it open
    tty.setraw(theirs)
    Path(device).unlink(missing_ok=True)
    Path(device).symlink_to(os.ttyname(theirs))
    modem = Modem(Path(sent))
    while byte := os.read(ours, 1):
        os.write(ours, modem.take(byte))


if __name__ == "__main__":
    main(*sys.argv[1:])
