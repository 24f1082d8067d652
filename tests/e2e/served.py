"""The sample network served in this process: pages with something on each of them, within a second."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import uvicorn

from demo.ports import free_port
from fleet.web.api import incidents
from fleet.web.process_parts import share
from tests.unit.fleet.web.network import make_app


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the sample until the end of the block; give its address."""
    app = make_app(folder)
    app.include_router(incidents.router)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = msgspec.structs.replace(app.state.parts.settings, public_url=address)
    share(app, replace(app.state.parts, settings=settings))
    ready = threading.Event()

    class Announced(uvicorn.Server):
        async def startup(self, sockets: object = None) -> None:
            await super().startup(sockets)  # type: ignore[arg-type]
            ready.set()

    config = uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=1)
    server = Announced(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert ready.wait(90), "the sample does not serve"
        yield address
    finally:
        server.should_exit = True
        thread.join(60)
