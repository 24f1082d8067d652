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

from tests.datapath.broker import MOSQUITTO, client_tls, settings
from tests.datapath.relays import TcpRelay, UdpRelay, Weather
from tests.datapath.station import ROUTER
from tests.datapath.virtual import UdpServer

BROKER_PORT = 8883
TOKEN = "Bearer sesame"


def arrived(frame: str) -> None:
    print(json.dumps({"at": time.monotonic(), "frame": frame}), flush=True)


def serving(folder: Path, *, both: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
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
    subprocess.Popen([MOSQUITTO, "-c", str(settings(folder, BROKER_PORT))], stderr=subprocess.DEVNULL)
    ready = asyncio.Event()

    async def collect() -> None:
        context = client_tls(folder, "lns")
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", BROKER_PORT, tls_context=context) as server:
                    await server.subscribe("eu868/gateway/+/event/+", qos=1)
                    ready.set()
                    async for message in server.messages:
                        if message.topic.matches("eu868/gateway/+/event/up"):
                            arrived(gw.UplinkFrame.FromString(bytes(message.payload)).phy_payload.hex())
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)

    collecting = asyncio.create_task(collect())
    await ready.wait()
    TASKS.append(collecting)
    return BROKER_PORT


async def station(folder: Path, *, token: bool) -> int:
    context = serving(folder, both=not token)

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
