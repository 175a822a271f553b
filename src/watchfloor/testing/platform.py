"""A live platform as its users have it: a process that is started, asked, killed and ended."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import orjson

from watchfloor.errors import StoreError
from watchfloor.ingest.http.tokens import Tokens
from watchfloor.settings import DEFAULT_TENANT, DataFolder

_MAIN = "from watchfloor.cli import main; main()"
_NAME = "testing"
_START_SECONDS = 120
_TICK = 1 / os.sysconf("SC_CLK_TCK")

Figures = dict[str, Any]


class Platform:
    """A platform in a process of its own over the data folder ``folder/data``; what it says is in ``folder/serve.log``.

    As a context manager it is killed at the end, if it runs then.

    Args:
        settings: The text of its ``serve.yml``.
        options: Further ones of its command line.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rules: Sequence[Path] = (),
        workers: int = 1,
        settings: str = "{}",
        options: Sequence[str] = (),
    ) -> None:
        self.data = DataFolder(folder / "data")
        self.data.prepare()
        (self.data.path / "serve.yml").write_text(settings)
        self.token = _token(Tokens(self.data.tokens))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "serve.log"
        self._rules = rules
        self._workers = workers
        self._options = options
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()

    def start(self) -> None:
        """Start it, again."""
        named = [part for path in self._rules for part in ("--rules", str(path))]
        arguments = ["serve", "--data", str(self.data.path), "--port", str(self.port)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-c", _MAIN, *arguments, "--workers", str(self._workers), *named, *self._options],
                stdout=log,
                stderr=log,
            )

    def wait(self) -> float:
        """Wait until it answers; gives the seconds that it took.

        Raises:
            StoreError: It ended, or does not answer.
        """
        began = time.monotonic()
        while self.process.poll() is None and time.monotonic() - began < _START_SECONDS:
            with suppress(OSError, http.client.HTTPException):
                self._get("/health")
                return time.monotonic() - began
            time.sleep(0.05)
        raise StoreError(f"{self._log}: the platform did not start; exit status {self.process.poll()}")

    def status(self) -> Figures:
        """What it says of itself."""
        told: Figures = orjson.loads(self._get("/status"))
        return told

    def worked(self) -> int:
        """How many records it has worked on."""
        return int(self.status()["worked"]["records"])

    def committed(self) -> int:
        """How many of these are in the lake."""
        return int(self.status()["worked"]["committed"])

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far: of the process that receives and stores, and of the workers."""
        main, *workers = [_cpu(process) for process in self._tree()]
        return {"main": main, "workers": sum(workers)}

    def costs(self) -> dict[str, dict[str, float]]:
        """CPU seconds so far by process, as in :meth:`cpu`, and stage."""
        told: dict[str, dict[str, float]] = self.status()["cpu_seconds"]
        return told

    def memory(self) -> dict[str, int]:
        """Bytes of memory, as in :meth:`cpu`; of pages that several processes share, each has its part."""
        main, *workers = [_proportional(process) for process in self._tree()]
        return {"main": main, "workers": sum(workers)}

    def open_files(self) -> int:
        """How many files and connections all its processes have open."""
        return sum(len(list(Path(f"/proc/{process}/fd").iterdir())) for process in self._tree())

    def said(self) -> str:
        """What it said since it was first started."""
        return self._log.read_text()

    def kill(self) -> None:
        """End it as nobody wants it to end."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it as its users do."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=_START_SECONDS)

    def _get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            return connection.getresponse().read()
        finally:
            connection.close()

    def _tree(self) -> list[int]:
        mine = self.process.pid
        threads = Path(f"/proc/{mine}/task").glob("*/children")
        return [mine, *(int(child) for path in threads for child in path.read_text().split())]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _token(tokens: Tokens) -> str:
    if any(token.name == _NAME for token in tokens.all()):
        tokens.revoke(_NAME)
    return tokens.create(_NAME, tenant=DEFAULT_TENANT, source=None, now="")


def _cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


def _proportional(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
