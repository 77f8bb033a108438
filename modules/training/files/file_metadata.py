"""What a trained file says of itself: kohya's `ss_` texts, modelspec's, and all settings, so that they can be loaded from the file.

The names are those that A1111, Forge, SD.Next, ComfyUI, SwarmUI and InvokeAI read. modelspec: Stability AI's ModelSpec 1.0.1.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from modules.contract.training import TrainingRequest

SETTINGS = "easel_training"
BASES = {"sd1": "sd_v1", "sd2": "sd_v2", "sdxl": "sdxl_base_v1-0"}
ARCHITECTURES = {"sd1": "stable-diffusion-v1", "sd2": "stable-diffusion-v2-512", "sdxl": "stable-diffusion-xl-v1-base"}
KINDS = {"lora": "/lora", "embedding": "/textual-inversion", "checkpoint": ""}
SCHEDULES = {"cosine with restarts": "cosine_with_restarts"}
PRECISIONS = {"float16": "fp16", "fp16": "fp16", "bfloat16": "bf16", "bf16": "bf16"}
LOSSES = {"squared": "l2", "Huber": "huber", "absolute": "l1"}
STABILITY, DIFFUSERS = "https://github.com/Stability-AI/generative-models", "https://github.com/huggingface/diffusers"
TAGS = 20  # as many of the most frequent ones stand in modelspec's list


@dataclass(frozen=True)
class Made:
    """What a request does not say of a training. `base` is the checkpoint's file, `base_sha256` and `base_legacy` its hashes if known.

    `buckets`: pictures by (width, height); `tags`: how often each stands in a folder's captions, by the folder's name;
    `folder_counts`: (repeats, pictures) of each folder. Times are seconds since 1970; `resolution` is (width, height).
    """

    base: Path
    family: str
    prediction: str
    step: int
    epoch: int
    pictures: int
    resolution: tuple[int, int]
    started: float
    finished: float
    base_title: str = ""
    base_sha256: str | None = None
    base_legacy: str | None = None
    zero_snr: bool = False
    class_pictures: int = 0
    buckets: Mapping[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    tags: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    folder_counts: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    clip_skip: int = 1
    precision: str = "fp32"


def metadata_of(request: TrainingRequest, made: Made) -> dict[str, str]:
    """All that a file says; of a private training only what programs need to use it. Without hashes: those come when it is written."""
    velocity = predicts_velocity(request, made)
    needed = model_texts(made, velocity=velocity)
    if request.makes == "lora":
        needed |= network_texts(request)
    if request.saving.private:
        return needed | spec_texts(request, made, velocity=velocity)
    texts = {**needed, **training_texts(request, made), **data_texts(request, made), **spec_texts(request, made, velocity=velocity)}
    texts |= public_spec_texts(request, made)
    texts[SETTINGS] = json.dumps(without_places(request).model_dump(mode="json"), ensure_ascii=False)
    return texts


def predicts_velocity(request: TrainingRequest, made: Made) -> bool:
    """Whether what comes out predicts v: as the base does, unless it was trained to another."""
    return made.prediction == "v" if request.noise.prediction == "the model's own" else request.noise.prediction == "v"


def model_texts(made: Made, *, velocity: bool) -> dict[str, str]:
    """Which kind of model it is for."""
    version = BASES[made.family] + ("_v" if velocity and made.family != "sdxl" else "")
    return {"ss_base_model_version": version, "ss_v2": str(made.family == "sd2")}


def network_texts(request: TrainingRequest) -> dict[str, str]:
    """Which network it is, in kohya's words; LyCORIS's for those that its own trainer lacks."""
    network = request.network
    conv = network.conv_rank or network.rank
    alpha = network.alpha or float(network.rank)
    arguments: dict[str, str] = {}
    if network.type in ("LoCon", "LoHa", "LoKr"):
        arguments = {"conv_dim": str(conv), "conv_alpha": number(alpha / network.rank * conv)}
    if network.type in ("LoHa", "LoKr", "DoRA"):
        arguments["algo"] = {"LoHa": "loha", "LoKr": "lokr", "DoRA": "lora"}[network.type]
    if network.type == "LoKr":
        arguments["factor"] = str(network.factor)
    if network.type == "DoRA":
        arguments["dora_wd"] = "True"
    if network.rank_dropout:
        arguments["rank_dropout"] = number(network.rank_dropout)
    texts = {
        "ss_network_module": "networks.lora" if network.type in ("LoRA", "LoCon") else "lycoris.kohya",
        "ss_network_dim": str(network.rank),
        "ss_network_alpha": number(alpha),
        "ss_network_args": json.dumps(arguments),
    }
    return texts | ({"ss_network_dropout": number(network.dropout)} if network.dropout else {})


def training_texts(request: TrainingRequest, made: Made) -> dict[str, str]:
    """How it was trained."""
    steps, optimizer, noise, parts = request.steps, request.optimizer, request.noise, request.parts
    text_rate = (parts.text_rate or optimizer.rate / 2) if parts.text_encoder else 0.0
    texts: dict[str, object] = {
        "ss_output_name": request.name,
        "ss_sd_model_name": made.base.name,
        "ss_sd_model_hash": made.base_legacy,
        "ss_new_sd_model_hash": made.base_sha256,
        "ss_learning_rate": optimizer.rate,
        "ss_unet_lr": optimizer.rate if parts.unet and request.makes != "embedding" else None,
        "ss_text_encoder_lr": text_rate or None,
        "ss_optimizer": optimizer.name,
        "ss_lr_scheduler": SCHEDULES.get(optimizer.schedule, optimizer.schedule),
        "ss_lr_warmup_steps": max(optimizer.warm_up, 0),
        "ss_max_grad_norm": optimizer.clip,
        "ss_steps": made.step,
        "ss_max_train_steps": steps.steps,
        "ss_epoch": made.epoch,
        "ss_total_batch_size": steps.batch * steps.accumulation * request.devices.processes * request.devices.machines,
        "ss_batch_size_per_device": steps.batch,
        "ss_gradient_accumulation_steps": steps.accumulation,
        "ss_gradient_checkpointing": steps.checkpointing,
        "ss_mixed_precision": PRECISIONS.get(made.precision, "no"),
        "ss_seed": steps.seed,
        "ss_clip_skip": made.clip_skip if made.clip_skip > 1 else None,
        "ss_noise_offset": noise.offset or None,
        "ss_multires_noise_discount": noise.pyramid or None,
        "ss_min_snr_gamma": noise.min_snr or None,
        "ss_ip_noise_gamma": noise.perturbation or None,
        "ss_zero_terminal_snr": noise.zero_snr or made.zero_snr,
        "ss_loss_type": LOSSES[noise.loss],
        "ss_training_started_at": made.started,
        "ss_training_finished_at": made.finished,
        "ss_training_comment": request.saving.comment or None,
    }
    return {key: str(value) for key, value in texts.items()}


def data_texts(request: TrainingRequest, made: Made) -> dict[str, str]:
    """On what it was trained."""
    data = request.data
    buckets = {str(i): {"resolution": list(size), "count": count} for i, (size, count) in enumerate(sorted(made.buckets.items()))}
    folders = {name: {"n_repeats": repeats, "img_count": count} for name, (repeats, count) in made.folder_counts.items()}
    return {
        "ss_num_train_images": str(made.pictures),
        "ss_num_reg_images": str(made.class_pictures),
        "ss_resolution": str(made.resolution),
        "ss_enable_bucket": str(data.buckets),
        "ss_bucket_no_upscale": str(not data.enlarge),
        "ss_bucket_info": json.dumps({"buckets": buckets, "mean_img_ar_error": None}),
        "ss_dataset_dirs": json.dumps(folders, ensure_ascii=False),
        "ss_tag_frequency": json.dumps({name: dict(tags) for name, tags in made.tags.items()}, ensure_ascii=False),
        "ss_shuffle_caption": str(data.shuffle_tags),
        "ss_keep_tokens": str(data.keep_tags),
        "ss_caption_dropout_rate": number(data.drop_captions),
        "ss_caption_tag_dropout_rate": number(data.drop_tags),
        "ss_flip_aug": str(data.flip),
        "ss_prior_loss_weight": number(request.prior.weight if request.prior.on else 1.0),
    }


def spec_texts(request: TrainingRequest, made: Made, *, velocity: bool) -> dict[str, str]:
    """modelspec's texts that tell programs what the file is."""
    architecture = "stable-diffusion-v2-768-v" if made.family == "sd2" and velocity else ARCHITECTURES[made.family]
    own = request.makes == "checkpoint" or made.family == "sdxl"
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": architecture + KINDS[request.makes],
        "modelspec.implementation": STABILITY if own else DIFFUSERS,
        "modelspec.title": request.name,
        "modelspec.resolution": f"{made.resolution[0]}x{made.resolution[1]}",
        "modelspec.prediction_type": "v" if velocity else "epsilon",
    }


def public_spec_texts(request: TrainingRequest, made: Made) -> dict[str, str]:
    """modelspec's texts that tell people what it is."""
    word = request.name if request.makes == "embedding" else request.trigger
    counted: Counter[str] = Counter()
    for tags in made.tags.values():
        counted.update(tags)
    hints = {"lora": f"Use it as <lora:{request.name}:1> {word}".strip(), "embedding": f"Write {word} in a prompt.", "checkpoint": ""}
    texts = {
        "modelspec.date": datetime.fromtimestamp(made.finished, timezone.utc).isoformat(timespec="seconds"),
        "modelspec.trigger_phrase": word,
        "modelspec.tags": ", ".join(tag for tag, _ in counted.most_common(TAGS)),
        "modelspec.usage_hint": hints[request.makes],
        "modelspec.description": request.saving.comment,
    }
    return {key: text for key, text in texts.items() if text}


def without_places(request: TrainingRequest) -> TrainingRequest:
    """The request as it may travel: of folders their own names alone, of machines nothing."""
    folders = tuple(folder.model_copy(update={"folder": Path(folder.folder).name}) for folder in request.data.folders)
    return request.model_copy(
        update={
            "data": request.data.model_copy(update={"folders": folders}),
            "prior": request.prior.model_copy(update={"folder": Path(request.prior.folder).name}),
            "devices": request.devices.model_copy(update={"address": ""}),
        }
    )


def number(value: float) -> str:
    """A number as kohya's programs write it."""
    return str(int(value)) if value == int(value) else str(value)
