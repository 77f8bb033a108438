"""Folders and files shown in the file manager of the computer that the program runs on."""

import os
import subprocess
import sys
from pathlib import Path

PATIENCE = 3.0  # seconds for a file manager to say that it shows a file


def open_folder(folder: Path) -> bool:
    """Show a folder in the file manager of this computer. False where there is none."""
    if not folder.is_dir():
        return False
    if sys.platform == "win32":
        os.startfile(folder)
        return True
    return begun(["open" if sys.platform == "darwin" else "xdg-open", str(folder)])


def show_file(path: Path) -> bool:
    """Show a file in its folder, marked where the file manager can do that. False where there is none, or no such file."""
    if not path.exists():
        return False
    path = path.absolute()
    if sys.platform == "win32":
        # One text: explorer splits its arguments by its own rules, and a name on Windows has no quotes.
        subprocess.Popen(f'explorer /select,"{path}"')
        return True
    if sys.platform == "darwin":
        return begun(["open", "-R", str(path)])
    return marked(path) or open_folder(path.parent)


def marked(path: Path) -> bool:
    """Ask a Linux desktop's file manager for a file by name: freedesktop.org's interface org.freedesktop.FileManager1."""
    if not on_a_screen():
        return False
    call = ["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.FileManager1", "/org/freedesktop/FileManager1",
            "org.freedesktop.FileManager1.ShowItems", f"array:string:{path.as_uri()}", "string:"]  # fmt: skip
    try:
        return subprocess.run(call, check=False, capture_output=True, timeout=PATIENCE).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def begun(command: list[str]) -> bool:
    """Start a program that shows something. False where there is no screen or no such program."""
    if not on_a_screen():
        return False
    try:
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    except OSError:
        return False
    return True


def on_a_screen() -> bool:
    """Whether this program was started on a desktop, where windows can be opened."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
