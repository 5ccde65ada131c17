"""Running the web application on a port."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from core.errors import StartupError
from core.settings import Settings
from core.single import only_process
from web.app import create_app

LARGEST_FRAME = 256 * 1024
"""Bytes: 10,000 characters, each escaped in the longest way JSON knows, with room to spare."""
GRACE_SECONDS = 10


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            _settle_garbage_collector()
            self._on_started()


def _settle_garbage_collector() -> None:
    """What start-up made stays: collections need not walk it again, and may come less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def serve(settings: Settings, announce: Callable[[str], None], *, work: bool = True) -> None:
    """Serves until a signal comes. `announce` gets the base URL once requests are answered.

    Raises `StartupError` if the port is taken, or another process has the embedded database.
    """
    with ExitStack() as stack:
        if settings.embedded:
            stack.enter_context(only_process(Path(settings.url.database or "")))
        listener = stack.enter_context(_listen(settings.host, settings.port))
        host, port = listener.getsockname()[:2]
        shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host  # noqa: S104
        config = configuration(create_app(settings, work=work), settings)
        server = Server(config, lambda: announce(f"http://{shown}:{port}"))
        await server.serve(sockets=[listener])


def configuration(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=LARGEST_FRAME,
        ws_per_message_deflate=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        other = port + 1 if port < 65535 else 8000
        raise StartupError(
            f"Port {port} on {host} cannot be used ({error.strerror}). Choose another: PORT={other} make run"
        ) from None
    return listener
