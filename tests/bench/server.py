"""The real server, started as an operator would, watched from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

STARTS_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Server:
    base: str
    process: psutil.Process
    started: float
    """`time.perf_counter()` when the command was given."""

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_mb(self) -> float:
        return float(self.process.memory_info().rss / 2**20)


def environment(data_dir: Path) -> dict[str, str]:
    """Ours without any setting of Deskhand but the data folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DESKHAND_", "OPENAI_", "PORT"))}
    return kept | {"DESKHAND_DATA_DIR": str(data_dir)}


@contextmanager
def serving(data_dir: Path, command: str = "demo", **settings: str) -> Iterator[Server]:
    port = _free_port()
    started = time.perf_counter()
    with (data_dir / "server.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "web.cli", command],
            env=environment(data_dir) | {"DESKHAND_PORT": str(port)} | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}", child)
            yield Server(f"http://127.0.0.1:{port}", psutil.Process(child.pid), started)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(30)


def _wait_until_ready(base: str, child: subprocess.Popen[bytes]) -> None:
    give_up = time.perf_counter() + STARTS_WITHIN_S
    while time.perf_counter() < give_up:
        if child.poll() is not None:
            raise RuntimeError(f"The server ended with exit code {child.returncode}; see its log.")
        try:
            if httpx.get(f"{base}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise RuntimeError(f"The server was not ready within {STARTS_WITHIN_S} s.")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
