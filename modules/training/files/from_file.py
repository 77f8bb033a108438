"""Settings out of a file that was trained: ours as they were, those of kohya's programs as far as their texts go. No torch."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest
from modules.contract.training import TrainingRequest, training_request_from
from modules.training.files.file_metadata import LOSSES, SCHEDULES, SETTINGS
from modules.weights.header import read_header

Texts = Mapping[str, str]
OPTIMIZERS = {
    "adamw8bit": "AdamW 8-bit", "pagedadamw8bit": "AdamW 8-bit", "adamw": "AdamW", "adafactor": "Adafactor", "prodigy": "Prodigy",
    "lion": "Lion",
}  # fmt: skip
BACK = {theirs: ours for ours, theirs in SCHEDULES.items()} | {
    "constant": "constant", "constant_with_warmup": "constant", "linear": "linear", "cosine": "cosine", "polynomial": "polynomial",
}  # fmt: skip
ALGORITHMS = {"loha": "LoHa", "lokr": "LoKr", "locon": "LoCon", "lora": "LoCon"}
LOSS_NAMES = {theirs: ours for ours, theirs in LOSSES.items()} | {"smooth_l1": "Huber"}
PARTS = {
    "lora_down.weight": "LoRA", "lora_A.weight": "LoRA", "lora.down.weight": "LoRA", "lora_linear_layer.down.weight": "LoRA",
    "hada_w1_b": "LoHa", "lokr_w1": "LoKr", "lokr_w1_b": "LoKr",
}  # fmt: skip
# Convolutions that see more than one place, as files name them, and all that lies outside of attentions.
WIDE = re.compile(r"resnets_\d+_conv[12]\.|samplers_\d|_in_layers_2\.|_out_layers_3\.|_0_op\.|output_blocks_\d+_\d_conv\.")
OUTSIDE = re.compile(r"resnets_|samplers_|_in_layers_|_out_layers_|_emb_layers_|_skip_connection|_0_op_|output_blocks_\d+_\d_conv_")


@dataclass(frozen=True)
class Loaded:
    """The settings of a file, and what a person should know of them, a sentence each."""

    request: TrainingRequest
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkFacts:
    """A network file by its header: `type` in the form's words ("" for another kind), the ranks, and on what it acts.

    `alpha` and `conv_rank` are None where the file does not say them.
    """

    type: str
    rank: int | None
    conv_rank: int | None
    alpha: float | None
    text_encoder: bool
    unet: bool
    modules: int


def request_from_file(path: Path) -> Loaded:
    """The settings with which a LoRA, an embedding or a checkpoint was trained. Raises BadModel, and BadRequest where it says nothing."""
    if path.suffix.lower() != ".safetensors":
        raise BadRequest(f"{path.name} says nothing of its training: only .safetensors files can.", "Choose another file.")
    texts = read_header(path).metadata
    own = table_in(texts, SETTINGS)
    if own:
        return ours(own)
    if not any(name.startswith("ss_") and name not in ("ss_base_model_version", "ss_v2") for name in texts):
        raise BadRequest(f"{path.name} says nothing of how it was trained.", "Its maker has left that out, or it was merged.")
    return kohyas(path, texts)


def ours(values: dict[str, Any]) -> Loaded:
    """Our own settings. Places were left out of the file, so folders have to be named again."""
    request = training_request_from(values)
    folders = [folder.folder for folder in request.data.folders]
    named = ", ".join(f"'{name}'" for name in folders if name)
    notes = [f"Its pictures lay in {named}: name the place of yours."] if named else []
    if request.prior.folder:
        notes.append(f"Its class pictures lay in '{request.prior.folder}'; without a folder they are made anew.")
    without = request.prior.model_copy(update={"folder": ""})
    return Loaded(request.model_copy(update={"prior": without}), tuple(notes))


def kohyas(path: Path, texts: Texts) -> Loaded:
    """The settings that kohya's texts say. What has no place here is named in the notes."""
    notes: list[str] = []
    network = network_values(path, texts, notes)
    values: dict[str, Any] = {
        "name": texts.get("ss_output_name", path.stem)[:100].replace("/", "_").replace("\\", "_"),
        "method": "LoRA" if network else "Fine-tuning",
        "network": network,
        "trigger": texts.get("modelspec.trigger_phrase", ""),
        "data": data_values(texts),
        "steps": step_values(texts, notes),
        "optimizer": optimizer_values(texts, notes),
        "noise": noise_values(texts, notes),
        "parts": part_values(texts),
    }
    base = known(texts, "ss_sd_model_name")
    if base:
        notes.append(f"It was trained on {base}: choose that checkpoint, or one of the same family.")
    regularized = known(texts, "ss_num_reg_images")
    if regularized and regularized != "0":
        notes.append(f"{regularized} class pictures were trained beside; prior preservation wants a class prompt.")
    return Loaded(training_request_from(pruned(values)), tuple(notes))


def network_values(path: Path, texts: Texts, notes: list[str]) -> dict[str, Any]:
    """The network's settings; empty for a file that is none."""
    if "ss_network_module" not in texts:
        return {}
    arguments = table_in(texts, "ss_network_args")
    module = texts["ss_network_module"]
    algorithm = str(arguments.get("algo", "lora")).lower()
    kind: str | None = "LoRA"
    if "lycoris" in module.lower():
        kind = ALGORITHMS.get(algorithm)
    if kind in ("LoRA", "LoCon"):
        kind = "LoCon" if arguments.get("conv_dim") not in (None, "", "0") else "LoRA"
    if str(arguments.get("dora_wd", "")).lower() == "true":
        kind = "DoRA"
    if kind is None or module not in ("networks.lora", "lycoris.kohya", "lycoris.locon_kohya", "locon.locon_kohya"):
        notes.append(f"Its network is '{module}' ({algorithm}), which is not trained here: a LoRA is chosen.")
        kind = "LoRA"
    return {
        "type": kind,
        "rank": whole(texts, "ss_network_dim", 1, 256),
        "alpha": between(texts, "ss_network_alpha", 0, 256),
        "conv_rank": whole(arguments, "conv_dim", 0, 256) if kind != "LoRA" else None,
        "factor": whole(arguments, "factor", -1, 64),
        "dropout": between(texts, "ss_network_dropout", 0, 0.9),
        "rank_dropout": between(arguments, "rank_dropout", 0, 0.9),
    }


def data_values(texts: Texts) -> dict[str, Any]:
    """The pictures' settings."""
    sides = [int(part) for part in "".join(c if c.isdigit() else " " for c in texts.get("ss_resolution", "")).split()]
    dataset = table_list(texts, "ss_datasets")
    more: Texts = {**{f"ss_{key}": str(value) for key, value in dataset.items() if not isinstance(value, dict | list)}, **texts}
    return {
        "resolution": round((sides[0] * sides[1]) ** 0.5) if len(sides) == 2 and min(sides) >= 64 and max(sides) <= 2048 else None,
        "buckets": truth(more, "ss_enable_bucket"),
        "enlarge": inverse(truth(more, "ss_bucket_no_upscale")),
        "shuffle_tags": truth(more, "ss_shuffle_caption"),
        "keep_tags": whole(more, "ss_keep_tokens", 0, 20),
        "drop_captions": between(more, "ss_caption_dropout_rate", 0, 1),
        "drop_tags": between(more, "ss_caption_tag_dropout_rate", 0, 1),
        "flip": truth(more, "ss_flip_aug"),
        "clip_skip": whole(texts, "ss_clip_skip", 1, 12),
    }


def step_values(texts: Texts, notes: list[str]) -> dict[str, Any]:
    """How long and how much at once."""
    precision = known(texts, "ss_mixed_precision")
    batch = whole(texts, "ss_batch_size_per_device", 1, 128) or whole(texts, "ss_total_batch_size", 1, 128)
    if known(texts, "ss_num_epochs"):
        notes.append(f"It was trained for {texts['ss_num_epochs']} epochs of its own pictures; the number of steps is what is taken over.")
    return {
        "steps": whole(texts, "ss_max_train_steps", 1, 1_000_000) or whole(texts, "ss_steps", 1, 1_000_000),
        "batch": batch,
        "accumulation": whole(texts, "ss_gradient_accumulation_steps", 1, 128),
        "seed": whole(texts, "ss_seed", 0, 2**32 - 1),
        "precision": {"no": "fp32", "fp16": "fp16", "bf16": "bf16"}.get(precision or ""),
        "checkpointing": truth(texts, "ss_gradient_checkpointing"),
    }


def optimizer_values(texts: Texts, notes: list[str]) -> dict[str, Any]:
    """The optimizer and its rate."""
    said = known(texts, "ss_optimizer") or ""
    plain = said.partition("(")[0].rsplit(".", 1)[-1].lower()
    name = next((ours for theirs, ours in OPTIMIZERS.items() if plain.startswith(theirs)), None)
    if said and name is None:
        notes.append(f"Its optimizer was {said}, which is not here: AdamW is chosen.")
    schedule = known(texts, "ss_lr_scheduler")
    if schedule and schedule not in BACK:
        notes.append(f"Its schedule was '{schedule}', which is not here: cosine is chosen.")
    return {
        "name": name,
        "rate": between(texts, "ss_unet_lr", 0, 10) or between(texts, "ss_learning_rate", 0, 10),
        "schedule": BACK.get(schedule or ""),
        "warm_up": whole(texts, "ss_lr_warmup_steps", 0, 100_000),
        "clip": between(texts, "ss_max_grad_norm", 0, 1000),
    }


def noise_values(texts: Texts, notes: list[str]) -> dict[str, Any]:
    """What the network was asked to undo."""
    if known(texts, "ss_adaptive_noise_scale"):
        notes.append("Its noise offset followed each picture's mean, which is not here.")
    zero_snr = truth(texts, "ss_zero_terminal_snr")
    return {
        "prediction": "v" if zero_snr else None,
        "zero_snr": zero_snr,
        "min_snr": between(texts, "ss_min_snr_gamma", 0, 20),
        "offset": between(texts, "ss_noise_offset", 0, 1),
        "pyramid": between(texts, "ss_multires_noise_discount", 0, 1) if known(texts, "ss_multires_noise_iterations") != "0" else None,
        "perturbation": between(texts, "ss_ip_noise_gamma", 0, 1),
        "loss": LOSS_NAMES.get(texts.get("ss_loss_type", "")),
    }


def part_values(texts: Texts) -> dict[str, Any]:
    """Whether text encoders were trained, and how fast."""
    rate = between(texts, "ss_text_encoder_lr", 0, 1)
    return {"text_encoder": bool(rate), "text_rate": rate} if "ss_text_encoder_lr" in texts or "ss_unet_lr" in texts else {}


def network_facts(path: Path) -> NetworkFacts | None:
    """What a LoRA to begin with is, from its header alone; None for a file without such parts. Raises BadModel."""
    header = read_header(path)
    kinds: Counter[str] = Counter()
    ranks: Counter[int] = Counter()
    conv: Counter[int] = Counter()
    for name, info in header.tensors.items():
        part = next((part for part in PARTS if name.endswith(f".{part}")), None)
        if part is None:
            continue
        module = name.removesuffix(part)
        kinds["DoRA" if module + "dora_scale" in header.tensors else PARTS[part]] += 1
        inner = header.tensors.get(module + "lokr_w2_b") if part == "lokr_w1" else info
        if inner is not None:
            (conv if WIDE.search(module) else ranks)[inner.shape[0]] += 1
    if not kinds:
        return None
    kind = next(iter(kinds)) if len(kinds) == 1 else ""
    outside = any(OUTSIDE.search(name.replace(".", "_")) for name in header.tensors)
    said = between(header.metadata, "ss_network_alpha", 0, 1e6)
    return NetworkFacts(
        type="LoCon" if kind == "LoRA" and outside else kind,
        rank=ranks.most_common(1)[0][0] if ranks else whole(header.metadata, "ss_network_dim", 1, 256),
        conv_rank=conv.most_common(1)[0][0] if conv else None,
        alpha=said,
        text_encoder=any(name.startswith(("lora_te", "text_encoder")) for name in header.tensors),
        unet=any(name.startswith(("lora_unet", "unet", "diffusion_model")) for name in header.tensors),
        modules=sum(kinds.values()),
    )


def known(texts: Texts, name: str) -> str | None:
    """A text that says something: kohya's programs write None for what was not set."""
    value = str(texts.get(name, "")).strip()
    return None if value in ("", "None", "null") else value


def between(texts: Texts, name: str, least: float, most: float) -> float | None:
    """A number within a range; None for another, and for what is none."""
    value = known(texts, name)
    try:
        found = float(value) if value is not None else None
    except ValueError:
        return None
    return found if found is not None and least <= found <= most else None


def whole(texts: Texts, name: str, least: int, most: int) -> int | None:
    """A whole number within a range; None for another."""
    found = between(texts, name, least, most)
    return int(found) if found is not None and found == int(found) else None


def truth(texts: Texts, name: str) -> bool | None:
    """True or False as Python writes them; None where it is not said."""
    return {"true": True, "false": False}.get((known(texts, name) or "").lower())


def inverse(value: bool | None) -> bool | None:
    """The contrary of what is said."""
    return None if value is None else not value


def table_in(texts: Texts, name: str) -> dict[str, Any]:
    """A text's JSON table; empty where there is none."""
    try:
        found = json.loads(texts.get(name, "") or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def table_list(texts: Texts, name: str) -> dict[str, Any]:
    """The first table of a text's JSON list; empty where there is none."""
    try:
        found = json.loads(texts.get(name, "") or "[]")
    except (ValueError, RecursionError):
        return {}
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}


def pruned(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known, so that the form's own values stand there."""
    return {
        name: pruned(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None and not (isinstance(value, dict) and not value)
    }
