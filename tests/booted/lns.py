"""A network server that acknowledges what a packet forwarder sends; runs on the booted machine itself.

Source: PROTOCOL.TXT of Semtech's forwarder, §§3.2, 3.3, 5.2: PUSH_DATA → PUSH_ACK, PULL_DATA → PULL_ACK.
"""

import socket
import sys

ANSWERS = {0x00: 0x01, 0x02: 0x04}

line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    datagram, sender = line.recvfrom(65536)
    if len(datagram) >= 4 and datagram[3] in ANSWERS:
        line.sendto(datagram[:3] + bytes([ANSWERS[datagram[3]]]), sender)
