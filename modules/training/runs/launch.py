"""Starts a training as a process of its own, which outlives the server, and tells later whether it still runs."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from modules.contract.errors import BadRequest
from modules.contract.files import write_whole
from modules.contract.training import DeviceOptions
from modules.training.runs.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[3]
MODULE = "modules.training_process"
PORT = 29500  # where the first of several machines is met, unless the address says otherwise
CLOCK = 2.0  # seconds by which the system's word on when a process began may differ from one time to the next


@dataclass(frozen=True)
class Launch:
    """A command, and what its environment has beside the server's own."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        """As a person types it into a shell."""
        return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in self.environment.items()), shlex.join(self.arguments)])


def launch_of(run: RunFolder, devices: DeviceOptions, *, on_cards: bool, machine: int = 0) -> Launch:
    """The command of a training's part on one of its machines, counted from 0.

    One process is plain Python; more are started by torch.distributed.run, which tells each its number. Raises BadRequest for devices
    or an address that cannot be.
    """
    cards = cards_of(devices) if on_cards else ()
    count = max(devices.processes, len(cards))
    environment = {"CUDA_VISIBLE_DEVICES": ",".join(map(str, cards))} if cards else {}
    if not on_cards:
        environment["ACCELERATE_USE_CPU"] = "true"
    training = ("-m", MODULE, str(run.path))
    if count == 1 and devices.machines == 1:
        return Launch((sys.executable, *training), environment)
    if not on_cards:
        environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // count))
    together = ("-m", "torch.distributed.run", "--nproc_per_node", str(count), *meeting(devices, machine))
    return Launch((sys.executable, *together, *training), environment)


def meeting(devices: DeviceOptions, machine: int) -> tuple[str, ...]:
    """The arguments by which the processes of all machines find each other. Raises BadRequest without an address."""
    if devices.machines == 1:
        return ("--standalone",)
    host, _, port = devices.address.strip().partition(":")
    if not host or (port and not port.isdecimal()):
        raise BadRequest(
            f"The first machine's address is '{devices.address}'; with {devices.machines} machines it must be host:port.",
            f"Such as 192.168.0.10:{PORT}.",
        )
    where = ("--master_addr", host, "--master_port", port or str(PORT))
    return ("--nnodes", str(devices.machines), "--node_rank", str(machine), *where)


def commands(run: RunFolder, devices: DeviceOptions, *, on_cards: bool) -> list[str]:
    """What is typed on each further machine, in the program's folder; the training's folder must be the same there."""
    return [str(launch_of(run, devices, on_cards=on_cards, machine=number)) for number in range(1, devices.machines)]


def cards_of(devices: DeviceOptions) -> tuple[int, ...]:
    """The numbers of the graphics cards that are named. Raises BadRequest for what is no list of them."""
    words = [word for word in re.split(r"[,\s]+", devices.devices.strip()) if word]
    if any(not word.isdecimal() for word in words) or len({*words}) < len(words):
        raise BadRequest(f"Devices is '{devices.devices}'; it must be numbers of graphics cards, each once, such as 0,1.")
    return tuple(int(word) for word in words)


def begin(run: RunFolder, launch: Launch) -> "subprocess.Popen[bytes]":
    """Start it, in a session of its own: neither a closed terminal nor the end of the server reaches it. Its words go to the log.

    Raises OSError.
    """
    apart = {"start_new_session": True} if os.name == "posix" else {"creationflags": 0x00000208}  # DETACHED, NEW_PROCESS_GROUP
    with run.log.open("ab") as log:
        process = subprocess.Popen(
            launch.arguments,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **launch.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **apart,  # type: ignore[call-overload]
        )
    write_whole(run.path / "process.json", json.dumps({"process": process.pid, "started": started(process.pid)}).encode())
    return process


def started(process: int) -> float | None:
    """When a process began, in seconds since 1970; None for one that is gone or is only waited for."""
    try:
        found = psutil.Process(process)
        return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time()
    except psutil.Error:
        return None


def process_of(run: RunFolder) -> int | None:
    """The number of the process that was started last, if it is still that process; None if it is gone."""
    try:
        facts = json.loads((run.path / "process.json").read_text("utf8"))
        number, then = int(facts["process"]), float(facts["started"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    now = started(number)
    return number if now is not None and abs(now - then) < CLOCK else None


def end(run: RunFolder, *, at_once: bool) -> None:
    """End all its processes: by a signal at which the trainer saves its state, or at once, which nothing can be done about."""
    number = process_of(run)
    if number is None:
        return
    try:
        if os.name == "posix":
            os.killpg(number, signal.SIGKILL if at_once else signal.SIGTERM)
            return
        leader = psutil.Process(number)
        for process in (*leader.children(recursive=True), leader):
            process.kill()
    except (OSError, psutil.Error):  # it ended meanwhile
        return
