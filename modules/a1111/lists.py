"""What a client can choose from, as A1111 lists it."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter

from modules.a1111.generation import script_names
from modules.a1111.parts import EmbeddingEntry, Kind, Lists, Parts, Upscaler, needed
from modules.a1111.scripts import HYPERTILE, ScriptEntry, api_name, listed, tab_of
from modules.contract.services import ModelEntry

REAL_ESRGAN = "R-ESRGAN"  # what the names of A1111's Real-ESRGAN upscalers begin with


def add_lists(api: APIRouter, parts: Parts) -> None:
    """The routes that list, and those that look at the folders again."""
    add_sampling(api, parts)
    add_models(api, parts)
    add_pictures(api, parts)
    add_scripts(api, parts)
    for path, kind in REFRESHED.items():
        api.post(f"/sdapi/v1/{path}", name=path)(refresher(parts, kind))


REFRESHED: dict[str, Kind] = {"refresh-checkpoints": "checkpoint", "refresh-vae": "vae", "refresh-loras": "lora",
                              "refresh-embeddings": "embedding"}  # fmt: skip


def refresher(parts: Parts, kind: Kind) -> Callable[[], None]:
    """The route that looks at the folders of a kind again."""

    def refresh() -> None:
        if kind == "checkpoint":
            parts.models.refresh()
        else:
            lists(parts).refresh(kind)

    return refresh


def lists(parts: Parts) -> Lists:
    return needed(parts.lists, "lists of networks")


def add_sampling(api: APIRouter, parts: Parts) -> None:
    @api.get("/sdapi/v1/samplers")
    async def samplers() -> list[dict[str, Any]]:
        return [{"name": entry.name, "aliases": list(entry.aliases), "options": entry.options} for entry in parts.generation.samplers()]

    @api.get("/sdapi/v1/schedulers")
    async def schedulers() -> list[dict[str, Any]]:
        return [
            {
                "name": entry.name,
                "label": entry.label,
                "aliases": list(entry.aliases) or None,
                "default_rho": entry.default_rho,
                "need_inner_model": entry.needs_model,
            }
            for entry in parts.generation.schedules()
        ]


def add_models(api: APIRouter, parts: Parts) -> None:
    @api.get("/sdapi/v1/sd-models")
    def sd_models() -> list[dict[str, Any]]:
        return [checkpoint(entry) for entry in parts.models.checkpoints() if entry.problem is None]

    @api.get("/sdapi/v1/sd-vae")
    def sd_vae() -> list[dict[str, Any]]:
        return [{"model_name": entry.path.name, "filename": str(entry.path)} for entry in lists(parts).networks("vae")]

    @api.get("/sdapi/v1/hypernetworks")
    def hypernetworks() -> list[dict[str, Any]]:
        return [{"name": entry.name, "path": str(entry.path)} for entry in lists(parts).networks("hypernetwork")]

    @api.get("/sdapi/v1/loras")
    def loras() -> list[dict[str, Any]]:
        return [
            {"name": entry.name, "alias": entry.alias or entry.name, "path": str(entry.path), "metadata": dict(entry.metadata)}
            for entry in lists(parts).networks("lora")
        ]

    @api.get("/sdapi/v1/embeddings")
    def embeddings() -> dict[str, Any]:
        entries = lists(parts).embeddings()
        return {
            "loaded": {entry.name: embedding(entry) for entry in entries if entry.usable},
            "skipped": {entry.name: embedding(entry) for entry in entries if not entry.usable},
        }


def checkpoint(entry: ModelEntry) -> dict[str, Any]:
    return {
        "title": entry.title,
        "model_name": entry.name,
        "hash": entry.short_hash,
        "sha256": entry.sha256,
        "filename": str(entry.path),
        "config": str(entry.config) if entry.config else None,
    }


def embedding(entry: EmbeddingEntry) -> dict[str, Any]:
    return {
        "step": entry.step,
        "sd_checkpoint": entry.checkpoint,
        "sd_checkpoint_name": entry.checkpoint_name,
        "shape": entry.width,
        "vectors": entry.vectors,
    }


def add_pictures(api: APIRouter, parts: Parts) -> None:
    @api.get("/sdapi/v1/upscalers")
    def upscalers() -> list[dict[str, Any]]:
        return [upscaler(entry) for entry in lists(parts).upscalers()]

    @api.get("/sdapi/v1/latent-upscale-modes")
    def latent_upscale_modes() -> list[dict[str, Any]]:
        return [{"name": name} for name in lists(parts).latent_upscale_modes()]

    @api.get("/sdapi/v1/face-restorers")
    def face_restorers() -> list[dict[str, Any]]:
        return [{"name": name, "cmd_dir": None} for name in lists(parts).face_restorers()]

    @api.get("/sdapi/v1/realesrgan-models")
    def realesrgan_models() -> list[dict[str, Any]]:
        found = [entry for entry in lists(parts).upscalers() if entry.name.startswith(REAL_ESRGAN)]
        return [{"name": entry.name, "path": text(entry.path), "scale": int(entry.scale)} for entry in found]

    @api.get("/sdapi/v1/prompt-styles")
    def prompt_styles() -> list[dict[str, Any]]:
        return [{"name": style.name, "prompt": style.prompt, "negative_prompt": style.negative_prompt} for style in lists(parts).styles()]


def upscaler(entry: Upscaler) -> dict[str, Any]:
    return {
        "name": entry.name,
        "model_name": entry.model_name,
        "model_path": text(entry.path),
        "model_url": entry.url,
        "scale": entry.scale,
    }


def text(value: object) -> str | None:
    return None if value is None else str(value)


def add_scripts(api: APIRouter, parts: Parts) -> None:
    def of(*, img2img: bool) -> list[ScriptEntry]:
        return listed(parts.scripts, img2img=img2img)

    @api.get("/sdapi/v1/scripts")
    def scripts() -> dict[str, list[str]]:
        return {tab_of(img2img): [api_name(entry) for entry in of(img2img=img2img)] for img2img in (False, True)}

    @api.get("/sdapi/v1/script-info")
    def script_info() -> list[dict[str, Any]]:
        names = script_names(parts)
        return [
            {"name": entry.title.lower(), "is_alwayson": entry.always_on, "is_img2img": img2img, "args": entry.describe(names)}
            for img2img in (False, True)
            for entry in of(img2img=img2img)
            if entry.title != HYPERTILE
        ]

    @api.get("/sdapi/v1/extensions")
    def extensions() -> list[dict[str, Any]]:
        return [vars(entry) for entry in parts.extensions()]
