"""ChirpStack's API as far as provisioning needs it: gateways, and test devices in their own application.

The API is gRPC over TLS with a token; nothing in the fleet but this command depends on it.

Sources: ChirpStack 4.20, ``api/proto/api/`` (gateway, device, application, device_profile); RP002-1.0.4 §2.4
for RX2 of EU868 (869.525 MHz, DR0), which a device that was activated by personalisation must know.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fleet.errors import MistakeError
from fleet.registry.store import Gateway

CALL_WAIT_S = 15.0
PAGE_ROWS = 1_000
PAGES_LIMIT = 50
"""Pages that are read of one list; beyond it the command refuses to compare a part."""
NAME = "Passerelle, appareils d'essai"
"""The application and the device profile are found again by it."""
TAG = "passerelle"
"""Gateways that this command created carry it."""
HTTPS_PORT, HTTP_PORT = 443, 8080
RX2_HZ = 869_525_000
PRIORITY_FIELD, DOWNLINK_PRIORITY = "downlink_priority", 10
"""ChirpStack 4.19 refuses a gateway without it ("must be > 0"), 4.20 takes 10 then; older ones know none."""


class ChirpStackError(MistakeError):
    """ChirpStack does not answer, or refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The application and the device profile that hold the test devices."""

    application: str
    profile: str


class ChirpStackApi:
    """One tenant of one ChirpStack."""

    def __init__(self, url: str, *, token: str, tenant: str, ca: bytes | None = None) -> None:
        try:
            import grpc
            from chirpstack_api import api
        except ImportError as error:
            raise ChirpStackError(f"{error.name} is missing; install passerelle[chirpstack]") from error
        parts = urlsplit(url)
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise ChirpStackError(f"--url: {url!r} is not https://HOST:PORT")
        self._grpc, self._api, self._tenant = grpc, api, tenant
        port = parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)
        target = f"{parts.hostname}:{port}"
        self._channel = (
            grpc.secure_channel(target, grpc.ssl_channel_credentials(ca))
            if parts.scheme == "https"
            else grpc.insecure_channel(target)
        )
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._target = target

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def gateways(self) -> dict[str, str]:
        """Return the name of each gateway of the tenant, by EUI."""
        stub = self._api.GatewayServiceStub(self._channel)
        rows = self._all(stub.List, self._api.ListGatewaysRequest, tenant_id=self._tenant)
        return {row.gateway_id: row.name for row in rows}

    def add_gateway(self, gateway: Gateway) -> None:
        """Register a gateway with its position."""
        made = self._api.Gateway(
            gateway_id=gateway.eui,
            name=gateway.name,
            description=gateway.site_name,
            tenant_id=self._tenant,
            stats_interval=30,
            tags={TAG: "1"},
        )
        if gateway.lat is not None and gateway.lon is not None:
            made.location.latitude, made.location.longitude = gateway.lat, gateway.lon
        if PRIORITY_FIELD in made.DESCRIPTOR.fields_by_name:
            setattr(made, PRIORITY_FIELD, DOWNLINK_PRIORITY)
        stub = self._api.GatewayServiceStub(self._channel)
        self._call(stub.Create, self._api.CreateGatewayRequest(gateway=made))

    def client_certificate(self, eui: str) -> tuple[str, str]:
        """Return a new client certificate of a gateway and its key, both PEM; ChirpStack keeps neither."""
        stub = self._api.GatewayServiceStub(self._channel)
        asked = self._api.GenerateGatewayClientCertificateRequest(gateway_id=eui)
        made = self._call(stub.GenerateClientCertificate, asked)
        return made.tls_cert, made.tls_key

    def registration(self) -> Registration:
        """Return the application and device profile of the test devices, made at the first call."""
        applications = self._api.ApplicationServiceStub(self._channel)
        profiles = self._api.DeviceProfileServiceStub(self._channel)
        found = self._all(applications.List, self._api.ListApplicationsRequest, tenant_id=self._tenant)
        application = next((row.id for row in found if row.name == NAME), "")
        if not application:
            made = self._api.Application(name=NAME, tenant_id=self._tenant)
            asked = self._api.CreateApplicationRequest(application=made)
            application = self._call(applications.Create, asked).id
        found = self._all(profiles.List, self._api.ListDeviceProfilesRequest, tenant_id=self._tenant)
        profile = next((row.id for row in found if row.name == NAME), "")
        if not profile:
            asked = self._api.CreateDeviceProfileRequest(device_profile=self._profile())
            profile = self._call(profiles.Create, asked).id
        return Registration(application=application, profile=profile)

    def _profile(self) -> Any:
        from chirpstack_api import common

        return self._api.DeviceProfile(
            name=NAME,
            tenant_id=self._tenant,
            region=common.EU868,
            mac_version=common.LORAWAN_1_0_4,
            reg_params_revision=common.RP002_1_0_4,
            adr_algorithm_id="default",
            uplink_interval=3600,
            supports_otaa=False,
            abp_rx1_delay=1,
            abp_rx2_freq=RX2_HZ,
        )

    def devices(self, registration: Registration) -> set[str]:
        """Return the DevEUIs of the test devices: each is the EUI of its gateway."""
        stub = self._api.DeviceServiceStub(self._channel)
        rows = self._all(stub.List, self._api.ListDevicesRequest, application_id=registration.application)
        return {row.dev_eui for row in rows}

    def add_device(self, registration: Registration, gateway: Gateway) -> None:
        """Register the test device of a gateway."""
        made = self._api.Device(
            dev_eui=gateway.eui,
            name=gateway.name,
            application_id=registration.application,
            device_profile_id=registration.profile,
        )
        stub = self._api.DeviceServiceStub(self._channel)
        self._call(stub.Create, self._api.CreateDeviceRequest(device=made))

    def address_for(self, eui: str) -> str:
        """Return a DevAddr out of the network's own prefix."""
        stub = self._api.DeviceServiceStub(self._channel)
        asked = self._api.GetRandomDevAddrRequest(dev_eui=eui)
        return str(self._call(stub.GetRandomDevAddr, asked).dev_addr).lower()

    def activation(self, eui: str) -> tuple[str, str] | None:
        """Return (DevAddr, network session key) of a test device; None for one that has no session."""
        stub = self._api.DeviceServiceStub(self._channel)
        found = self._call(stub.GetActivation, self._api.GetDeviceActivationRequest(dev_eui=eui))
        if not found.HasField("device_activation"):
            return None
        return found.device_activation.dev_addr.lower(), found.device_activation.nwk_s_enc_key.lower()

    def activate(self, eui: str, dev_addr: str, network_key: str) -> None:
        """Give a test device its session: LoRaWAN 1.0.x has one network key, and no payload is ever sent."""
        session = self._api.DeviceActivation(
            dev_eui=eui,
            dev_addr=dev_addr,
            app_s_key=network_key,
            nwk_s_enc_key=network_key,
            s_nwk_s_int_key=network_key,
            f_nwk_s_int_key=network_key,
        )
        stub = self._api.DeviceServiceStub(self._channel)
        self._call(stub.Activate, self._api.ActivateDeviceRequest(device_activation=session))

    def _all(self, method: Any, request: Any, **fields: str) -> list[Any]:
        return [row for page in self._pages(method, request, fields) for row in page]

    def _pages(self, method: Any, request: Any, fields: dict[str, str]) -> Iterator[list[Any]]:
        for number in range(PAGES_LIMIT):
            page = list(
                self._call(method, request(limit=PAGE_ROWS, offset=number * PAGE_ROWS, **fields)).result
            )
            yield page
            if len(page) < PAGE_ROWS:
                return
        raise ChirpStackError(f"{self._target}: a list has more than {PAGES_LIMIT * PAGE_ROWS} rows")

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, metadata=self._metadata, timeout=CALL_WAIT_S)
        except self._grpc.RpcError as error:
            code = getattr(error, "code", lambda: None)()
            why = getattr(error, "details", lambda: "")() or str(error)
            raise ChirpStackError(f"{self._target}: {code.name if code else 'failed'}: {why}") from error


@contextmanager
def opened(url: str, *, token: str, tenant: str, ca: bytes | None) -> Iterator[ChirpStackApi]:
    """Yield the API, closed afterwards."""
    api = ChirpStackApi(url, token=token, tenant=tenant, ca=ca)
    try:
        yield api
    finally:
        api.close()
