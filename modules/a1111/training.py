"""A1111's training over the API: an embedding is made, and trained as the Train tab trains one. Both answer when they are done."""

import asyncio
from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from modules.a1111.parts import Parts, Trainer, needed
from modules.contract.errors import BadRequest, NotSupported, WebuiError
from modules.contract.training import TrainingRequest, training_request_from

LOOK = 0.5  # seconds between two looks at a training
WANTED = "way to train"


class Loose(BaseModel):
    """A1111's functions take what the page sends them; what has no counterpart here is passed over."""

    model_config = ConfigDict(extra="ignore")


class CreateEmbedding(Loose):
    """The arguments of create_embedding."""

    name: str
    num_vectors_per_token: int = Field(1, ge=1, le=75)
    overwrite_old: bool = False
    init_text: str = "*"


class TrainEmbedding(Loose):
    """The arguments of train_embedding, as far as they say what is trained. Sides are pixels; 0 for `create_image_every`: no pictures."""

    embedding_name: str
    learn_rate: str | float = "0.005"
    batch_size: int = 1
    gradient_step: int = 1
    data_root: str
    training_width: int = 512
    training_height: int = 512
    varsize: bool = False
    steps: int = 100_000
    clip_grad_mode: Literal["disabled", "value", "norm"] = "disabled"
    clip_grad_value: str | float = 1.0
    shuffle_tags: bool = False
    tag_drop_out: float = 0.0
    use_weight: bool = False
    create_image_every: int = 500
    save_embedding_every: int = 500
    preview_from_txt2img: bool = False
    preview_prompt: str = ""
    preview_negative_prompt: str = ""
    preview_steps: int = 20
    preview_cfg_scale: float = 7.0
    preview_seed: int = -1


def add_training(api: APIRouter, parts: Parts) -> None:
    """The routes."""

    @api.post("/sdapi/v1/create/embedding")
    async def create(asked: CreateEmbedding, request: Request) -> dict[str, str]:
        trainer = needed(parts.trainer, WANTED)
        text = "" if asked.init_text.strip() == "*" else asked.init_text
        values = {"vectors": asked.num_vectors_per_token, "text": text, "overwrite": asked.overwrite_old}
        job = await parts.queue.wait(await asyncio.to_thread(trainer.create, asked.name, values, request))
        if job.state != "done":
            raise BadRequest(job.error or "The embedding was not made.", job.hint or "")
        return {"info": f"create embedding filename: {(job.summary or {}).get('name', '')}"}

    @api.post("/sdapi/v1/train/embedding")
    async def train(asked: TrainEmbedding, request: Request) -> dict[str, str]:
        trainer = needed(parts.trainer, WANTED)
        id = await asyncio.to_thread(trainer.train, request_of(asked, trainer), request)
        while (end := await asyncio.to_thread(trainer.ended, id)) is None:
            await asyncio.sleep(LOOK)
        if end.error:
            raise TrainingFailed(end.error, end.hint)
        return {"info": f"train embedding complete: filename: {end.published} error: None"}

    for path in ("create", "train"):
        api.post(f"/sdapi/v1/{path}/hypernetwork", name=f"{path}/hypernetwork")(refuser(path))


class TrainingFailed(WebuiError):
    """A training that did not end well."""


def refuser(what: str) -> Callable[[], None]:
    """The route that says that hypernetworks are not trained."""

    def refuse() -> None:
        raise NotSupported(f"This program cannot {what} hypernetworks; those that there are can be used.", "Train a LoRA in the Train tab.")

    return refuse


def request_of(asked: TrainEmbedding, trainer: Trainer) -> TrainingRequest:
    """The same training in our words. It goes on from the embedding of that name. Raises BadRequest, NotFound."""
    pictures = asked.create_image_every > 0
    prompts = asked.preview_prompt if asked.preview_from_txt2img else ""
    return training_request_from({
        "name": asked.embedding_name,
        "method": "Textual Inversion",
        "data": {
            "folders": [{"folder": asked.data_root}],
            "resolution": nearest(asked.training_width, asked.training_height),
            "buckets": asked.varsize or asked.training_width != asked.training_height,
            "shuffle_tags": asked.shuffle_tags,
            "drop_tags": asked.tag_drop_out,
            "masked": "transparency" if asked.use_weight else "off",
        },
        "embedding": {"vectors": trainer.vectors(asked.embedding_name), "begin_with": asked.embedding_name, "overwrite": True},
        "steps": {"steps": asked.steps, "batch": asked.batch_size, "accumulation": asked.gradient_step},
        "optimizer": {"rate": rate(asked.learn_rate), "schedule": "constant", "clip": clip(asked)},
        "samples": {
            "on": pictures,
            "every": asked.create_image_every if pictures else 0,
            "prompts": prompts,
            "negative": asked.preview_negative_prompt if asked.preview_from_txt2img else "",
            "steps": asked.preview_steps,
            "guidance": asked.preview_cfg_scale,
            "seed": max(asked.preview_seed, 0),
        },
        "saving": {"export_every": asked.save_embedding_every},
    })  # fmt: skip


def nearest(width: int, height: int) -> int:
    """The side of the square that has about as many pixels, a multiple of 64."""
    return max(64, round((width * height) ** 0.5 / 64) * 64)


def rate(text: str | float) -> float:
    """A learning rate. Raises BadRequest for what is no number, also for A1111's lists of rates by step."""
    try:
        return float(text)
    except ValueError:
        raise BadRequest(f"learn_rate is '{text}'; it must be one number, such as 0.005.", "A falling rate is a schedule here.") from None


def clip(asked: TrainEmbedding) -> float:
    """The longest gradient. Raises BadRequest for clipping of single values, which there is not here."""
    if asked.clip_grad_mode == "value":
        raise BadRequest("clip_grad_mode is 'value'; it must be 'disabled' or 'norm'.")
    return float(asked.clip_grad_value) if asked.clip_grad_mode == "norm" else 0.0
