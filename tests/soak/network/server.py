"""One network server behind a relay, in a namespace of its own.

``python -m tests.soak.network.server KIND FOLDER HOST`` prints {"port"} once, then {"at", "frame"} a frame;
reads ``delay SECONDS``, ``drop``, ``refuse`` and ``serve`` from its standard input.
"""

import asyncio
import json
import logging
import ssl
import subprocess
import sys
import time
from pathlib import Path

import aiomqtt
from chirpstack_api.gw import gw_pb2 as gw
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.datastructures import Headers

from tests.datapath.relays import TcpRelay, UdpRelay, Weather
from tests.datapath.station import ROUTER
from tests.datapath.virtual import UdpServer

MOSQUITTO = "/usr/sbin/mosquitto"
BROKER_PORT = 8883
TOKEN = "Bearer sesame"
MOSQUITTO_CONF = """
listener {port} 127.0.0.1
cafile {folder}/authority.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
require_certificate true
use_identity_as_username true
acl_file {folder}/acl
max_queued_messages 100000
user root
"""
ACL = """
user lns
topic read eu868/gateway/+/event/+
topic write eu868/gateway/+/command/+

pattern write eu868/gateway/%u/event/+
pattern write eu868/gateway/%u/state/conn
pattern read eu868/gateway/%u/command/+
"""


def arrived(frame: str) -> None:
    print(json.dumps({"at": time.monotonic(), "frame": frame}), flush=True)


def tls_of(folder: Path, name: str, side: int, *, both: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(side)  # type: ignore[arg-type]
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    context.load_verify_locations(folder / "authority.pem")
    if both:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def udp(_: Path) -> int:
    class Telling(UdpServer):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            before = len(self.frames)
            super().datagram_received(data, addr)
            for frame in self.frames[before:]:
                arrived(str(frame["data"]))

    return (await Telling().listen()).port


async def mqtt(folder: Path) -> int:
    (folder / "acl").write_text(ACL)
    settings = folder / "mosquitto.conf"
    settings.write_text(MOSQUITTO_CONF.format(port=BROKER_PORT, folder=folder))
    subprocess.Popen([MOSQUITTO, "-c", str(settings)], stderr=subprocess.DEVNULL)
    ready = asyncio.Event()

    async def collect() -> None:
        context = tls_of(folder, "lns", ssl.PROTOCOL_TLS_CLIENT, both=True)
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", BROKER_PORT, tls_context=context) as server:
                    await server.subscribe("eu868/gateway/+/event/up", qos=1)
                    ready.set()
                    async for message in server.messages:
                        arrived(gw.UplinkFrame.FromString(bytes(message.payload)).phy_payload.hex())
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)

    collecting = asyncio.create_task(collect())
    await ready.wait()
    TASKS.append(collecting)
    return BROKER_PORT


async def station(folder: Path, *, token: bool) -> int:
    context = tls_of(folder, "server", ssl.PROTOCOL_TLS_SERVER, both=not token)

    def authorise(_: ServerConnection, request: Request) -> Response | None:
        if token and request.headers.get("Authorization") != TOKEN:
            return Response(401, "Unauthorized", Headers())
        return None

    async def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        async for message in connection:
            said = json.loads(message)
            if connection.request.path == "/router-info":
                await connection.send(json.dumps({"uri": f"wss://{sys.argv[3]}:{PORT[0]}/traffic"}))
            elif said["msgtype"] == "version":
                await connection.send(json.dumps(ROUTER))
            elif said["msgtype"] == "updf":
                arrived(str(said["FCnt"]))

    server = await serve(answer, "127.0.0.1", 0, ssl=context, ping_interval=None, process_request=authorise)
    TASKS.append(server)
    return int(next(iter(server.sockets)).getsockname()[1])


TASKS: list[object] = []
PORT = [0]


async def main(kind: str, folder: Path, host: str) -> None:
    logging.disable(logging.CRITICAL)
    match kind:
        case "semtech_udp":
            relay: UdpRelay | TcpRelay = UdpRelay(await udp(folder), host=host)
        case "chirpstack_mqtt":
            relay = TcpRelay(await mqtt(folder), host=host)
        case _:
            relay = TcpRelay(await station(folder, token=kind.endswith("token")), host=host)
    PORT[0] = await relay.start()
    print(json.dumps({"port": PORT[0]}), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        word, _, number = line.strip().partition(" ")
        match word:
            case "delay":
                relay.weather = Weather(delay_s=float(number))
            case "drop" if isinstance(relay, TcpRelay):
                relay.drop()
            case "refuse" | "drop":
                await relay.refuse()
            case "serve":
                await relay.start()
            case _:
                raise SystemExit(f"{word}: no such command")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
