"""The program as a process of its own, started as a person starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[1]
START_SECONDS = 120


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A running program on a data folder with its own `models/`. `start` returns when it answers."""

    def __init__(self, data: Path, *flags: str) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        places = ["--data-dir", str(data), "--models-dir", str(data / "models"), "--port", str(self.port)]
        self.command = [sys.executable, "webui.py", "--no-venv", "--no-browser", *places, *flags]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.data / "program.log").open("ab") as log:
            self.process = subprocess.Popen(self.command, cwd=ROOT, stdout=log, stderr=log, start_new_session=os.name == "posix")
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.get("/webui/ping")
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("The program did not start:\n" + (self.data / "program.log").read_text("utf8", "replace")[-4000:])

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it as a person does; its exit status."""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def __enter__(self) -> "Served":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process and self.process.poll() is None:
            self.kill()
