"""From `python webui.py` to the running program, or to its tests; standard library only."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from modules import environment
from modules.command_line import LaunchOptions, parse
from modules.environment import PYTHON, ROOT, Problem, say
from modules.new_extension import Unwanted, write_extension

VARIABLES = {  # set before the libraries that read them are imported
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTORCH_ENABLE_MPS_FALLBACK": "1",
}
SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # the program asks no hub, so nothing in it, extensions included, needs them
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def main(arguments: Sequence[str]) -> int:
    """Install what is missing, then start the program in its environment. Returns the exit status."""
    options = parse(arguments)
    if options.new_extension:
        return new_extension(options)
    try:
        if options.no_venv:
            demand_packages(options)
        else:
            environment.prepare(torch=options.torch, xformers=options.xformers, tests=options.self_test)
            if not environment.is_active():
                return hand_over(arguments)
        set_variables()
        return self_test(options) if options.self_test else start(options)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def new_extension(options: LaunchOptions) -> int:
    """Write a small extension into the folder of added ones, and say what next. Returns the exit status."""
    try:
        folder = write_extension(options.new_extension, options.data_dir / "extensions", ROOT / "extensions")
    except (Unwanted, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    say(f"{folder} has it. Press *Look again* in the Extensions tab, or start the program, and it is there; README.md in it says more.")
    return 0


def demand_packages(options: LaunchOptions) -> None:
    """Raise Problem unless the environment that this runs in has every package."""
    absent = environment.missing(tests=options.self_test)
    if absent:
        install = f"{sys.executable} -m pip install {' '.join(absent)}"
        raise Problem(f"This environment lacks {', '.join(environment.name_of(package) for package in absent)}: add them with `{install}`, "
                      "or start without --no-venv to have them installed in .venv.")


def hand_over(arguments: Sequence[str]) -> int:
    """Go on in `.venv`, in place of this process where the system can do that."""
    command = [str(PYTHON), str(ROOT / "webui.py"), *arguments]
    sys.stdout.flush()
    os.environ.pop("__PYVENV_LAUNCHER__", None)  # macOS: it would make the next Python take itself for this one
    if os.name == "posix":
        os.execv(PYTHON, command)
    with subprocess.Popen(command) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # it went to both of us; the program ends by itself
                continue


def set_variables() -> None:
    """Make every library in this process and its children keep to itself."""
    os.environ.update(VARIABLES)
    for name in SECRETS:
        os.environ.pop(name, None)


def start(options: LaunchOptions) -> int:
    """Run the program until it is stopped."""
    for warning in options.warnings:
        say(warning)
    from modules import app

    app.main(options)
    return 0


def self_test(options: LaunchOptions) -> int:
    """Check the code, then run the tests, or only the tests that the arguments name. Returns the first status that is not 0."""
    os.environ.pop("COMMANDLINE_ARGS", None)
    os.environ["EASEL_CHROMIUM"] = chromium()
    cores = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    commands = [["pytest", *options.pytest_arguments]] if options.pytest_arguments else everything(cores)
    statuses: list[int] = []
    for module, *rest in commands:
        say(f"$ {module} {' '.join(rest)}".rstrip())
        for library in ("OMP", "MKL", "OPENBLAS"):
            os.environ[f"{library}_NUM_THREADS"] = "1" if "-n" in rest else cores
        statuses.append(subprocess.run([sys.executable, "-m", module, *rest], cwd=ROOT, check=False).returncode)
    for (module, *_), status in zip(commands, statuses, strict=True):
        if status:
            say(f"{module} failed with status {status}.")
    return next((status for status in statuses if status), 0)


def everything(cores: str) -> list[list[str]]:
    """All checks: the tests without a browser at once on the cores; after them, one by one, those with one, which keeps two cores busy."""
    by_file = ["--dist", "loadfile", "--no-loadscope-reorder"]  # in the order of tests/conftest.py, and not by how many tests a file has
    return [
        ["ruff", "check", "."],
        ["basedpyright", "--pythonpath", sys.executable],
        ["pytest", "-n", cores, *by_file, "--ignore=tests/browser"],
        ["pytest", "tests/browser"],
    ]


def chromium() -> str:
    """A browser for the tests, installed if there is none: its path, or '' for the one that Playwright finds by itself."""
    found = next(filter(None, map(usable, (os.environ.get("EASEL_CHROMIUM", ""), *BROWSERS))), None)
    if found:
        return found
    if shutil.which("apt-get") and os.geteuid() == 0:
        say("Installing Chromium and fonts from the system's packages.")
        packages = ["chromium", "fonts-noto-cjk", "fonts-noto-color-emoji"]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "-q", "update"], ["apt-get", "-q", "install", "-y", "--no-install-recommends", *packages]):
            subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
        found = usable("chromium")
        if found:
            return found
    say("Asking Playwright for its Chromium.")
    if subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode != 0:
        raise Problem("The browser tests need Chromium or Chrome, and neither could be installed: install one, or set EASEL_CHROMIUM.")
    return ""


def usable(browser: str) -> str | None:
    """The full path of a browser that is there and answers."""
    path = shutil.which(browser) if browser else None
    if path and os.name == "posix":
        try:
            subprocess.run([path, "--version"], capture_output=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
    return path
