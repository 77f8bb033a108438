"""The program itself, as A1111's API shows it: flags, memory, facts for a bug report, and how it is ended."""

import importlib.metadata
import json
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

import modules
from modules.a1111.options import ApiOptions
from modules.a1111.parts import Parts, Stopping, needed
from modules.contract.services import Folders
from modules.settings.store import entries_of

SECRET = re.compile(r"auth|password|secret|token|ngrok|keyfile|api_key")
Plain = bool | int | float | str | list[Any] | dict[str, Any] | None


def add_program(api: APIRouter, parts: Parts, options: ApiOptions) -> None:
    """The routes about the program."""
    add_facts(api, parts, options)
    add_model(api, parts)
    if parts.stopping:
        add_stopping(api, parts.stopping)

    @api.get("/internal/ping")
    async def ping() -> dict[str, Any]:
        return {}

    @api.get("/internal/profile-startup")
    async def profile_startup() -> dict[str, Any]:
        return {"total": parts.start_seconds(), "records": {}}

    @api.get("/internal/quicksettings-hint")
    async def quicksettings_hint() -> list[dict[str, Any]]:
        return [{"name": key, "label": entry.field.title} for key, entry in entries_of(parts.settings.current).items()]


def add_facts(api: APIRouter, parts: Parts, options: ApiOptions) -> None:
    @api.get("/sdapi/v1/cmd-flags")
    def cmd_flags() -> dict[str, Plain]:
        return flags(parts.flags, parts.folders)

    @api.get("/sdapi/v1/memory")
    def memory() -> dict[str, Any]:
        return {"ram": ram(), "cuda": parts.device_memory() or {"error": "unavailable"}}

    @api.get("/internal/sysinfo")
    def sysinfo(attachment: bool = False) -> Response:
        text = json.dumps(facts(parts, options), indent=4, ensure_ascii=False)
        headers = {"Content-Disposition": 'attachment; filename="sysinfo.json"'} if attachment else None
        return PlainTextResponse(text, headers=headers)

    @api.get("/internal/sysinfo-download")
    def sysinfo_download() -> Response:
        return sysinfo(attachment=True)


def flags(given: Mapping[str, Any], folders: Folders | None) -> dict[str, Plain]:
    """A1111's flags with our values where we have them. What is secret, or no plain value, is null."""
    values: dict[str, Any] = json.loads(Path(__file__).with_name("flags.json").read_text("utf8"))
    if folders:
        kinds = {"lora_dir": "Lora", "hypernetwork_dir": "hypernetworks", "ckpt_dir": "Stable-diffusion", "vae_dir": "VAE"}
        kinds |= {"esrgan_models_path": "ESRGAN", "gfpgan_models_path": "GFPGAN", "codeformer_models_path": "Codeformer"}
        values |= {"data_dir": folders.data, "models_dir": folders.models}
        values |= {name: folders.models / kind for name, kind in kinds.items()}
    values |= {name: value for name, value in given.items() if value is not None}
    return {name: None if SECRET.search(name) else plain(value) for name, value in values.items()}


def plain(value: Any) -> Plain:
    """A value that holds nothing hidden, as JSON has it; None for any other."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items() if not SECRET.search(str(name))}
    return value if value is None or type(value) in (bool, int, float, str) else None


def ram() -> dict[str, int]:
    """Bytes: what this process has, what is still to be had, what the machine has."""
    machine = psutil.virtual_memory()
    return {"free": machine.available, "used": psutil.Process().memory_info().rss, "total": machine.total}


def facts(parts: Parts, options: ApiOptions) -> dict[str, Any]:
    """What a bug report needs. No folders, no names of people, no secrets."""
    settings = {key: value for key, value in options.all().items() if key not in options.refused}
    given = {name: value for name, value in flags(parts.flags, None).items() if isinstance(value, bool | int | float) and value}
    packages = sorted({f"{one.metadata['Name']}=={one.version}" for one in importlib.metadata.distributions()}, key=str.lower)
    return {
        "Program": f"Easel {modules.__version__}",
        "Platform": platform.platform(),
        "Python": platform.python_version(),
        "Implementation": sys.implementation.name,
        "RAM": ram(),
        "Device memory": parts.device_memory(),
        "Flags": given,
        "Extensions": [{"name": entry.name, "version": entry.version, "enabled": entry.enabled} for entry in parts.extensions()],
        "Settings": settings,
        "Packages": packages,
    }


def add_model(api: APIRouter, parts: Parts) -> None:
    @api.post("/sdapi/v1/unload-checkpoint")
    def unload() -> dict[str, Any]:
        needed(parts.residence, "way to unload a checkpoint").unload()
        return {}

    @api.post("/sdapi/v1/reload-checkpoint")
    def reload() -> dict[str, Any]:
        needed(parts.residence, "way to reload a checkpoint").reload()
        return {}


def add_stopping(api: APIRouter, stopping: Stopping) -> None:
    @api.post("/sdapi/v1/server-kill")
    @api.post("/sdapi/v1/server-stop")
    async def stop() -> Response:
        stopping.stop()
        return PlainTextResponse("Stopping.")

    @api.post("/sdapi/v1/server-restart")
    async def restart() -> Response:
        if stopping.restart is None:
            return PlainTextResponse("Nothing would start the program again.", 501)
        stopping.restart()
        return PlainTextResponse("Restarting.")
