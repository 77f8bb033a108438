"""The environment that the program runs in: `.venv`, with the packages that pyproject.toml pins; standard library only."""

import contextlib
import hashlib
import importlib.util
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOG = FOLDER / "install.log"
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SILENCE = 20  # seconds without a line after which a person is told that the work goes on

PINNED = {  # the arrays of pyproject.toml that decide what is installed
    "program": (("project", "dependencies"), ("tool.uv", "override-dependencies"), ("project.optional-dependencies", "xformers"),
                ("tool.easel", "files-of")),
    "tests": (("dependency-groups", "test"), ("tool.easel", "files-of-for-tests")),
}
OFFLINE = ("NewConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "NameResolutionError", "ProxyError", "SSLError",
           "ConnectionResetError", "RemoteDisconnected", "Read timed out", "Max retries exceeded")
DISK_FULL = ("No space left on device", "Disk quota exceeded", "not enough space on the disk")


class Problem(Exception):
    """Why the program cannot be installed or started, and what to do, in one sentence."""


def prepare(*, torch: str | None = None, xformers: bool = False, tests: bool = False) -> None:
    """Make `.venv` what pyproject.toml says. If it is that already, a few small files are read and nothing else happens.

    `torch` is a key of BUILDS or a requirement; None keeps what an earlier start asked for, or else suits this machine.
    Raises Problem.
    """
    if is_ready(torch=torch, xformers=xformers, tests=tests):
        return
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise Problem("This Python cannot make environments: add its venv module (Debian: apt install python3-venv) and start again.")
    try:
        with locked() as lock:
            if not is_ready(torch=torch, xformers=xformers):  # asked again: another start may just have done it
                install(torch, xformers, lock)
            if tests and not is_ready(tests=True):
                say("Installing what the tests need.")
                pip(requirements("dependency-groups", "test"), lock)
                add_pictures(lock)
                write_stamp("tests", {"packages": fingerprint("tests")})
    except OSError as error:
        raise Problem(f"The environment in {FOLDER} could not be made ({error.strerror or error}).") from None


def install(torch: str | None, xformers: bool, lock: int) -> None:
    """The packages that the program runs on. The stamp comes last: whatever ends this early, the next start does it again."""
    from modules import torch_builds  # slow, and no ordinary start needs it

    remembered = read_stamp("program").get("torch")
    choice = torch or remembered or torch_builds.detected()
    build = torch_builds.BUILDS.get(choice)
    demand_room(build.gigabytes if build else 10)
    if works():
        say("Completing the environment in .venv.")
        drop_unfinished()
    else:
        say(f"First start: making an environment for Python {PYTHON_VERSION} in .venv.")
        shutil.rmtree(FOLDER, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(FOLDER)], lock)
    write_stamp("program", {"torch": remembered})  # not ready from here on

    say(f"Installing PyTorch for {build.title if build else choice} (--torch chooses another build).")
    wanted = requirements("project", "dependencies")
    pin = next(requirement for requirement in wanted if name_of(requirement) == "torch")
    try:
        pip(torch_builds.pip_arguments(choice, pin), lock)
    except torch_builds.Unreachable as error:
        if choice != "cpu":
            raise Problem(f"{error}: connect this machine to the internet and start again, or choose another build with --torch.") from None
        say("PyTorch's own index does not answer, so the build is the one that pip finds elsewhere.")
        pip([pin], lock)
    say("Installing the other packages.")
    wheels = "--only-binary=:all:"  # nothing is built here: a package's build script could do anything
    pip([wheels, *(requirement for requirement in wanted if requirement != pin)], lock)
    pip([wheels, "--no-deps", *requirements("tool.uv", "override-dependencies")], lock)
    if xformers and choice.startswith("cuda"):
        pip([wheels, "--no-deps", *requirements("project.optional-dependencies", "xformers")], lock)
    elif xformers:
        say("xformers is left out: it works with NVIDIA cards only.")
    add_files(lock)
    say("Trying the packages.")
    run([str(PYTHON), "-c", "import torch, diffusers, transformers"], lock)
    done = {"python": PYTHON_VERSION, "packages": fingerprint("program"), "torch": torch or remembered, "xformers": xformers}
    write_stamp("program", done)


def add_files(lock: int) -> None:
    """The packages whose files are read and of which nothing is imported, without what they ask for. The program does without them."""
    for requirement in requirements("tool.easel", "files-of"):
        bare, name = for_this_python(requirement), name_of(requirement)
        if bare is None:
            say(f"{name} is left out: there is none for Python {PYTHON_VERSION}, so faces and hands are found by your own detectors only.")
            continue
        try:
            pip(["--only-binary=:all:", "--no-deps", bare], lock)
        except Problem:
            say(f"{name} could not be installed ({LOG} has the details), so faces and hands are found by your own detectors only; "
                f"`{PYTHON} -m pip install --no-deps {bare}` adds it later.")


def add_pictures(lock: int) -> None:
    """The packages whose pictures tests look at, without what they ask for. Those tests are skipped where there are none."""
    for bare in filter(None, map(for_this_python, requirements("tool.easel", "files-of-for-tests"))):
        try:
            pip(["--only-binary=:all:", "--no-deps", bare], lock)
        except Problem:
            say(f"{bare} could not be installed ({LOG} has the details), so the tests that look at its pictures are skipped.")


def is_active() -> bool:
    """Whether this very process runs in `.venv`."""
    return FOLDER.exists() and FOLDER.samefile(sys.prefix)


def is_ready(*, torch: str | None = None, xformers: bool = False, tests: bool = False) -> bool:
    """Whether `.venv` has all that is asked for, by its stamps."""
    program = read_stamp("program")
    return (
        PYTHON.exists()
        and (program.get("python"), program.get("packages")) == (PYTHON_VERSION, fingerprint("program"))
        and torch in (None, program.get("torch"))
        and (program.get("xformers") is True or not xformers)
        and (read_stamp("tests").get("packages") == fingerprint("tests") or not tests)
    )


def missing(*, tests: bool = False) -> list[str]:
    """The requirements of which this process's own environment has no version at all."""
    wanted = [*requirements("project", "dependencies"), *(requirements("dependency-groups", "test") if tests else ())]
    return [requirement for requirement in map(for_this_python, wanted) if requirement and not is_installed(name_of(requirement))]


def is_installed(name: str) -> bool:
    """Whether this process's own environment has a package of that name."""
    import importlib.metadata  # slow, and no ordinary start needs it

    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def requirements(table: str, key: str) -> tuple[str, ...]:
    """The strings of an array in pyproject.toml, where each has a line of its own: Python 3.10 has no reader of TOML."""
    text = (ROOT / "pyproject.toml").read_text("utf8")
    section = re.search(rf"^\[{re.escape(table)}\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    array = section and re.search(rf"^{re.escape(key)} = \[\n(.*?)^\]", section[1], re.MULTILINE | re.DOTALL)
    return tuple(re.findall(r'^ +"([^"]+)"', array[1], re.MULTILINE)) if array else ()


def name_of(requirement: str) -> str:
    """The package that a requirement is about."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def for_this_python(requirement: str) -> str | None:
    """The requirement without its marker; None if that is for another Python."""
    bare, _, marker = requirement.partition("; ")
    limit = re.fullmatch(r"python_version (<|>=) '3\.(\d+)'", marker)
    return bare if not limit or (sys.version_info < (3, int(limit[2]))) == (limit[1] == "<") else None


def fingerprint(kind: str) -> str:
    """A short name for all that is pinned for `kind`, a key of PINNED."""
    pinned = [requirement for table, key in PINNED[kind] for requirement in requirements(table, key)]
    return hashlib.sha256("\n".join(pinned).encode()).hexdigest()[:16]


def read_stamp(kind: str) -> dict[str, Any]:
    """What was installed for `kind`; nothing if that never ended well."""
    try:
        return dict(json.loads((FOLDER / f"{kind}.json").read_text("utf8")))
    except (OSError, ValueError):
        return {}


def write_stamp(kind: str, values: dict[str, Any]) -> None:
    """Remember what was installed for `kind`, in one step."""
    beside = FOLDER / f"{kind}.json.new"
    beside.write_text(json.dumps(values), "utf8")
    beside.replace(FOLDER / f"{kind}.json")


def works() -> bool:
    """Whether `.venv` has a Python of this version, and pip."""
    question = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([str(PYTHON), "-c", question], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == PYTHON_VERSION


def drop_unfinished() -> None:
    """Forget packages that pip was killed in the middle of, so that it installs them again: it writes INSTALLER after the files."""
    for packages in packages_folders():
        for info in packages.glob("*.dist-info"):
            if not (info / "INSTALLER").exists():
                shutil.rmtree(info)
        for moved_away in packages.glob("~*"):
            shutil.rmtree(moved_away)


def demand_room(gigabytes: float) -> None:
    """Raise Problem unless that much is free."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < gigabytes:
        raise Problem(f"Installing takes about {gigabytes} GB in {ROOT}, where {free:.1f} GB are free: make room and start again.")


@contextlib.contextmanager
def locked() -> Iterator[int]:
    """Only one start at a time installs. Yields the lock's descriptor: a child that has it too keeps the lock if we are killed."""
    with (ROOT / ".venv.lock").open("a") as file:
        told = False
        while not try_lock(file.fileno()):
            if not told:
                say("Another start is installing; this one waits for it.")
            told = True
            time.sleep(0.5)
        yield file.fileno()


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed, unless another process has it locked."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def pip(arguments: Sequence[str], lock: int) -> None:
    """Have pip install something into `.venv`. It keeps its own settings: mirrors, proxies, certificates. Raises Problem."""
    if arguments:
        progress = "raw" if pip_version() >= (24, 1) else "off"
        run([str(PYTHON), "-m", "pip", "install", "--no-user", "--no-input", "--progress-bar", progress, *arguments], lock)


def pip_version() -> tuple[int, ...]:
    """The version of the pip in `.venv`."""
    found = [info for packages in packages_folders() for info in packages.glob("pip-*.dist-info")]
    return tuple(int(number) for number in re.findall(r"\d+", found[0].name)) if found else ()


def packages_folders() -> list[Path]:
    """Where `.venv` keeps its packages."""
    return [*FOLDER.glob("lib/python*/site-packages"), *FOLDER.glob("Lib/site-packages")]


def run(command: Sequence[str], lock: int) -> None:
    """Run a command of the installation; what it does is told line by line, all of it goes to the log. Raises Problem."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}, pass_fds=() if os.name == "nt" else (lock,),
    )
    output: list[str] = []
    last = None
    try:
        for line in lines_of(process):
            news = told(line)
            if news and news != last:
                say(news)
            last = news or last
            if not line.startswith("Progress "):
                output.append(line)
    except BaseException:
        process.kill()
        raise
    finally:
        FOLDER.mkdir(exist_ok=True)
        with LOG.open("a", encoding="utf8") as log:
            log.write("\n".join([f"$ {' '.join(command)}", *output, ""]))
    if process.wait() != 0:
        raise Problem(explained(output))


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    """The lines that a process writes; one that says so where it writes none for long."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    begun = time.monotonic()
    while True:
        try:
            line = lines.get(timeout=SILENCE)
        except queue.Empty:
            yield f"Still at it after {time.monotonic() - begun:.0f} s"
            continue
        if line is None:
            return
        yield line


def told(line: str) -> str | None:
    """What a line of the output means to the person who waits; None for most."""
    if package := re.match(r"Collecting (\S+)|Processing .*?([^/\\-]+-[^/\\-]+)-[^/\\]+\.whl$", line):
        return f"  {package[1] or package[2]}"
    if size := re.match(r" *Downloading \S+ \((\d[\d.]+ [MG]B)\)", line):
        return f"    {size[1]}"
    if progress := re.match(r"Progress (\d+) of (\d{8,})", line):
        return f"    {10 * int(progress[1]) // int(progress[2]) * 10} %"
    if line.startswith("Installing collected packages: "):
        names = line.partition(": ")[2].split(", ")
        return f"  Unpacking {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}"
    if "Retrying (" in line:
        return "  The package index does not answer; trying again"
    return f"  {line}" if line.startswith("Still at it") else None


def explained(output: Sequence[str]) -> str:
    """Why a command failed, by what it wrote, and what to do about it."""
    text = "\n".join(output)
    if any(sign in text for sign in DISK_FULL):
        return f"The disk is full: make room for {ROOT} and start again; it goes on where it stopped."
    if any(sign in text for sign in OFFLINE):
        return ("The package index cannot be reached, and not all that Easel needs is installed yet: connect this machine to the internet, "
                "or name a proxy in HTTPS_PROXY or a mirror in PIP_INDEX_URL, and start again.")
    if nothing := re.search(r"No matching distribution found for (\S+)", text):
        return f"There is no {nothing[1]} for Python {PYTHON_VERSION} on {sys.platform}: another one may do; {LOG} has the details."
    errors = [line for line in output if line.strip()] or ["it wrote nothing"]
    return f"Installing failed ({errors[-1].removeprefix('ERROR: ').rstrip('.')}): {LOG} has the details; start again once it is mended."


def say(text: str) -> None:
    """A line for the person who waits."""
    print(text, flush=True)
