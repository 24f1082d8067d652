"""ChirpStack's own gRPC services, served from memory."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty

from tests.datapath.certificates import issue

TOKEN = "a-token-of-the-api"


class Memory:
    """What a ChirpStack keeps."""

    def __init__(self) -> None:
        self.gateways: dict[str, object] = {}
        self.devices: dict[str, object] = {}
        self.sessions: dict[str, object] = {}
        self.applications: dict[str, str] = {}
        self.profiles: dict[str, object] = {}
        self.given = 0
        self.certificates: list[str] = []
        """EUIs that a client certificate was issued for, in order."""
        self.certificate_days = 365


def allowed(context):
    if ("authorization", f"Bearer {TOKEN}") not in context.invocation_metadata():
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "authentication failed")


def page(rows, request):
    return rows[request.offset : request.offset + request.limit]


class Gateways(api.GatewayServiceServicer):
    def __init__(self, memory):
        self.memory = memory

    def List(self, request, context):
        allowed(context)
        rows = [api.GatewayListItem(gateway_id=eui) for eui in self.memory.gateways]
        return api.ListGatewaysResponse(total_count=len(rows), result=page(rows, request))

    def Create(self, request, context):
        allowed(context)
        if request.gateway.gateway_id in self.memory.gateways:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, "object already exists")
        if not request.gateway.downlink_priority:  # as ChirpStack 4.19.0 did on 2026-11-30
            reason = "Validation error: downlink_priority must be > 0"
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, reason)
        self.memory.gateways[request.gateway.gateway_id] = request.gateway
        return Empty()

    def GenerateClientCertificate(self, request, context):
        allowed(context)
        eui = request.gateway_id
        with TemporaryDirectory() as folder:
            made = issue(Path(folder), eui, days=self.memory.certificate_days)
            pem, key = made.certificate_file.read_text(), made.key_file.read_text()
        self.memory.certificates.append(eui)
        return api.GenerateGatewayClientCertificateResponse(tls_cert=pem, tls_key=key)


class Applications(api.ApplicationServiceServicer):
    def __init__(self, memory):
        self.memory = memory

    def List(self, request, context):
        allowed(context)
        rows = [api.ApplicationListItem(id=key, name=name) for key, name in self.memory.applications.items()]
        return api.ListApplicationsResponse(result=page(rows, request))

    def Create(self, request, context):
        allowed(context)
        self.memory.applications["app-1"] = request.application.name
        return api.CreateApplicationResponse(id="app-1")


class Profiles(api.DeviceProfileServiceServicer):
    def __init__(self, memory):
        self.memory = memory

    def List(self, request, context):
        allowed(context)
        rows = [
            api.DeviceProfileListItem(id=key, name=made.name) for key, made in self.memory.profiles.items()
        ]
        return api.ListDeviceProfilesResponse(result=page(rows, request))

    def Create(self, request, context):
        allowed(context)
        self.memory.profiles["profile-1"] = request.device_profile
        return api.CreateDeviceProfileResponse(id="profile-1")


class Devices(api.DeviceServiceServicer):
    def __init__(self, memory):
        self.memory = memory

    def List(self, request, context):
        allowed(context)
        rows = [api.DeviceListItem(dev_eui=eui) for eui in self.memory.devices]
        return api.ListDevicesResponse(result=page(rows, request))

    def Create(self, request, context):
        allowed(context)
        self.memory.devices[request.device.dev_eui] = request.device
        return Empty()

    def GetRandomDevAddr(self, request, context):
        allowed(context)
        self.memory.given += 1
        return api.GetRandomDevAddrResponse(dev_addr=f"00C0{self.memory.given:04x}")

    def GetActivation(self, request, context):
        allowed(context)
        session = self.memory.sessions.get(request.dev_eui)
        return api.GetDeviceActivationResponse(device_activation=session)

    def Activate(self, request, context):
        allowed(context)
        self.memory.sessions[request.device_activation.dev_eui] = request.device_activation
        return Empty()


@contextmanager
def serving(memory: Memory) -> Iterator[str]:
    """Yield the address of a ChirpStack that keeps all in ``memory``."""
    server = grpc.server(ThreadPoolExecutor(2))
    api.add_GatewayServiceServicer_to_server(Gateways(memory), server)
    api.add_ApplicationServiceServicer_to_server(Applications(memory), server)
    api.add_DeviceProfileServiceServicer_to_server(Profiles(memory), server)
    api.add_DeviceServiceServicer_to_server(Devices(memory), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(0).wait(60)
