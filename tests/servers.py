"""The web application on a real port: inside the test's event loop, or as the process an operator starts."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

from core.helpdesk import Helpdesk
from web import serving
from web.app import create_app

PATIENCE_S = 90.0


@asynccontextmanager
async def in_process(helpdesk: Helpdesk) -> AsyncIterator[str]:
    """Serves `helpdesk` as `deskhand serve` does, and yields the base URL."""
    app = create_app(helpdesk.settings, helpdesk=helpdesk)
    config = serving.configuration(app, helpdesk.settings)
    config.timeout_graceful_shutdown = 1
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(config)
        server.capture_signals = _no_signals  # type: ignore[method-assign]  # pytest's own handlers stay
        task = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(PATIENCE_S):
            while not server.started:  # noqa: ASYNC110  # uvicorn has no event to wait for
                await asyncio.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """This process's, without any setting of Deskhand but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DESKHAND_", "OPENAI_", "PORT"))}
    return kept | {"DESKHAND_DATA_DIR": str(data_dir), "OMP_NUM_THREADS": "1"} | settings


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "web.cli", *words]


@dataclass(slots=True)
class Process:
    """A `deskhand` that was started and is ours to end."""

    child: subprocess.Popen[bytes]
    base: str
    log: Path

    def kill(self) -> None:
        """As the kernel does when memory runs out: no handler runs, no buffer is written."""
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(PATIENCE_S)

    def stop(self) -> int:
        """As an operator does. Returns the exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(PATIENCE_S)


@contextmanager
def started(data_dir: Path, *words: str, port: int | None = None, **settings: str) -> Iterator[Process]:
    """`deskhand WORDS` on a free port with a data folder of its own, once it is ready."""
    data_dir.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    log = data_dir / "server.log"
    with log.open("ab") as output:
        child = subprocess.Popen(
            [*command(*words), "--port", str(port)],
            env=environment(data_dir, **settings),
            cwd=Path(__file__).parent.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    process = Process(child, f"http://127.0.0.1:{port}", log)
    try:
        _wait(process)
        yield process
    finally:
        if child.poll() is None:
            child.kill()
            child.wait(PATIENCE_S)


def _wait(process: Process) -> None:
    give_up = time.monotonic() + PATIENCE_S
    with httpx.Client(verify=False) as client:
        while time.monotonic() < give_up:
            if process.child.poll() is not None:
                raise AssertionError(f"exit code {process.child.returncode}: {process.log.read_text()[-2000:]}")
            with suppress(httpx.TransportError):
                if client.get(f"{process.base}/readyz").status_code == httpx.codes.OK:
                    return
            time.sleep(0.05)
    raise AssertionError(f"not ready within {PATIENCE_S} s: {process.log.read_text()[-2000:]}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
