"""What other programs write into their PNG files, as infotext: NovelAI's comment and ComfyUI's graph of nodes.

Both take the texts of a picture file (`modules.imaging.metadata.read_info`), and give None for what is not theirs or is damaged.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from modules.infotext.write import write

# Their names for samplers and schedules to A1111's. Names that are missing here stay as they are.
SAMPLERS = {
    "euler": "Euler",
    "euler_a": "Euler a",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "dpm_2": "DPM2",
    "dpm_2_a": "DPM2 a",
    "dpm_2_ancestral": "DPM2 a",
    "lms": "LMS",
    "dpm_fast": "DPM fast",
    "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_a": "DPM++ 2S a",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "ddim": "DDIM",
    "ddim_v3": "DDIM",
    "plms": "PLMS",
    "uni_pc": "UniPC",
    "uni_pc_bh2": "UniPC",
    "lcm": "LCM",
}
SCHEDULES = {
    "normal": "Normal",
    "simple": "Simple",
    "karras": "Karras",
    "exponential": "Exponential",
    "polyexponential": "Polyexponential",
    "sgm_uniform": "SGM Uniform",
    "ddim_uniform": "DDIM",
    "beta": "Beta",
    "kl_optimal": "KL Optimal",
}
LATENT_UPSCALERS = {
    "nearest-exact": "Latent (nearest-exact)",
    "bilinear": "Latent",
    "area": "Latent",
    "bicubic": "Latent (bicubic)",
    "bislerp": "Latent (bicubic)",
}
FARTHEST_TEXT = 20  # nodes between a text and its encoder
NOVELAI_SAMPLER = "Euler a"  # what A1111 takes for one that it does not know


def infotext_of(text: str, items: Mapping[str, str], size: tuple[int, int]) -> str:
    """The infotext of a picture, whichever program made it: `text` is A1111's, `items` are all other texts in the file.

    NovelAI's counts before A1111's, as there; ComfyUI's only where there is no other. Empty if there is none.
    """
    return from_novelai(items, size) or text or from_comfyui(items) or ""


def from_novelai(info: Mapping[str, str], size: tuple[int, int] | None = None) -> str | None:
    """The infotext of a picture from NovelAI. `size` is the picture's. Braces in the prompt stay, as A1111 leaves them."""
    comment = parsed(info.get("Comment", "")) if info.get("Software") == "NovelAI" else None
    if not isinstance(comment, dict) or "steps" not in comment or "seed" not in comment:
        return None
    width, height = size or (comment.get("width"), comment.get("height"))
    sampler = sampler_name(str(comment.get("sampler", "")))
    parameters = {
        "Steps": comment["steps"],
        "Sampler": sampler if sampler in SAMPLERS.values() else NOVELAI_SAMPLER,
        "Schedule type": SCHEDULES.get(str(comment.get("noise_schedule"))),
        "CFG scale": comment.get("scale"),
        "Seed": comment["seed"],
        "Size": f"{width}x{height}" if width and height else None,
        "Clip skip": 2,
        "ENSD": 31337,
    }
    return write(str(info.get("Description") or comment.get("prompt") or ""), str(comment.get("uc") or ""), parameters)


def from_comfyui(info: Mapping[str, str]) -> str | None:
    """The infotext of a picture from ComfyUI: of the sampler that made it, and of one before it as the first pass.

    Only what A1111 has too: prompts, sampler, size, checkpoint, VAE, LoRAs, and the enlargement of latents between two passes.
    """
    graph = Graph(nodes_of(parsed(info.get("prompt", ""))))
    last = graph.last_sampler()
    if last is None:
        return None
    first, between = graph.first_sampler(last)
    model = graph.model_of(first)
    parameters = {
        **sampler_pairs(graph, first),
        "Size": graph.size_of(first),
        "Model": model.checkpoint,
        "VAE": graph.vae_of(last),
        **second_pass(graph, first, last, between),
        "Clip skip": graph.clip_skip_of(first),
        "RNG": "CPU",
        "Version": "ComfyUI",
    }
    return write(graph.text_of(first, "positive") + model.tags, graph.text_of(first, "negative"), parameters)


class Node(NamedTuple):
    """A node of ComfyUI's graph: its class and what goes in, values and links."""

    kind: str
    inputs: dict[str, Any]

    @property
    def is_sampler(self) -> bool:
        return "Sampler" in self.kind and "latent_image" in self.inputs


class Networks(NamedTuple):
    """The checkpoint behind a sampler, and its LoRAs as tags."""

    checkpoint: str | None
    tags: str


class Graph:
    """ComfyUI's nodes by id, and the ways from one to those before it. No walk visits a node twice."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes

    def linked(self, node: Node, name: str) -> str | None:
        """The id of the node that an input comes from; None for a value, and for a node that is missing."""
        return target(node.inputs.get(name), self.nodes)

    def before(self, *starts: str | None, inputs: tuple[str, ...] = (), until: str = "") -> Iterator[tuple[str, Node]]:
        """Some nodes and those before them, the nearest first; by these inputs if some are named, not beyond nodes with input `until`."""
        waiting = [id for id in starts if id is not None]
        seen = set(waiting)
        for id in waiting:  # grows while it is walked
            node = self.nodes[id]
            yield id, node
            if until and until in node.inputs:
                continue
            for name, value in node.inputs.items():
                source = target(value, self.nodes) if not inputs or name in inputs else None
                if source is not None and source not in seen:
                    seen.add(source)
                    waiting.append(source)

    def last_sampler(self) -> Node | None:
        """The sampler next to a saved picture; if none is saved, the last one."""
        savers = [id for id, node in self.nodes.items() if node.kind.startswith(("SaveImage", "PreviewImage")) or "images" in node.inputs]
        for _, node in self.before(*savers):
            if node.is_sampler:
                return node
        return next((node for node in reversed(self.nodes.values()) if node.is_sampler), None)

    def first_sampler(self, last: Node) -> tuple[Node, list[Node]]:
        """The sampler whose latents went into `last`, and the nodes between; `last` itself if there is none."""
        between: list[Node] = []
        for _, node in self.before(self.linked(last, "latent_image")):
            if node.is_sampler:
                return node, between
            between.append(node)
        return last, []

    def value(self, node: Node, *names: str) -> Any:
        """The first of these inputs that the node, or one that steers it, has as a value. None if there is none."""
        for part in (node, *self.steering(node)):
            for name in names:
                found = part.inputs.get(name)
                source = self.linked(part, name)
                if source is not None:  # a value from a node of its own
                    found = next((one for one in self.nodes[source].inputs.values() if is_value(one)), None)
                if is_value(found):
                    return found
        return None

    def steering(self, node: Node) -> Iterator[Node]:
        """The nodes that newer samplers take their parts from."""
        for name in ("noise", "guider", "sampler", "sigmas"):
            source = self.linked(node, name)
            if source is not None:
                yield self.nodes[source]

    def text_of(self, sampler: Node, name: str) -> str:
        """The prompt that reaches an input of a sampler; several joined as A1111 would: AND for combined ones, else BREAK."""
        names = (name, "conditioning") if name == "positive" else (name,)
        parts = (sampler, *self.steering(sampler))
        start = next((source for part in parts for one in names if (source := self.linked(part, one)) is not None), None)
        texts: list[str] = []
        joint = " BREAK "
        for id, node in self.before(start, until="clip"):
            if "Combine" in node.kind:
                joint = " AND "
            if "clip" in node.inputs:
                said = [text for key in ("text", "text_g", "text_l", "prompt") if (text := self.text(id, key))]
                texts += dict.fromkeys(said)
        return joint.join(dict.fromkeys(texts))

    def text(self, id: str, name: str) -> str:
        """A text input of a node, or the first text of the nodes that it comes from."""
        node = self.nodes[id]
        if isinstance(node.inputs.get(name), str):
            return node.inputs[name]
        walk = islice(self.before(self.linked(node, name)), FARTHEST_TEXT)
        return next((value for _, one in walk for value in one.inputs.values() if isinstance(value, str) and value), "")

    def model_of(self, sampler: Node) -> Networks:
        """What a sampler's model input leads to."""
        tags: list[str] = []
        start = next((source for part in (sampler, *self.steering(sampler)) if (source := self.linked(part, "model")) is not None), None)
        for _, node in self.before(start, inputs=("model",)):
            name = node.inputs.get("lora_name")
            if isinstance(name, str):
                weight = node.inputs.get("strength_model", 1)
                tags.append(f"<lora:{stem(name)}:{node.inputs.get('strength_clip', 0)}:{weight}>")
            checkpoint = node.inputs.get("ckpt_name", node.inputs.get("unet_name"))
            if isinstance(checkpoint, str):
                return Networks(stem(checkpoint), "".join(reversed(tags)))
        return Networks(None, "".join(reversed(tags)))

    def size_of(self, sampler: Node) -> str | None:
        """The size of the empty latents that a sampler began with."""
        for _, node in self.before(self.linked(sampler, "latent_image")):
            if node.kind.startswith("Empty") and "Latent" in node.kind:
                width, height = (self.value(node, name) for name in ("width", "height"))
                return f"{width}x{height}" if isinstance(width, int) and isinstance(height, int) else None
        return None

    def vae_of(self, sampler: Node) -> str | None:
        """The file of the VAE that decoded a sampler's latents, if it has one of its own."""
        for node in self.nodes.values():
            samples = self.linked(node, "samples")
            if node.kind.startswith("VAEDecode") and samples is not None and self.nodes[samples] is sampler:
                vae = self.linked(node, "vae")
                name = self.nodes[vae].inputs.get("vae_name") if vae is not None else None
                return name if isinstance(name, str) else None
        return None

    def clip_skip_of(self, sampler: Node) -> int | None:
        """The layers that the text encoder leaves out, as A1111 counts them: -2 is 2."""
        for _, node in self.before(self.linked(sampler, "positive")):
            layer = node.inputs.get("stop_at_clip_layer")
            if isinstance(layer, int):
                return -layer if layer < -1 else None
        return None


def sampler_pairs(graph: Graph, sampler: Node) -> dict[str, object]:
    """The pairs of one sampler node."""
    return {
        "Steps": graph.value(sampler, "steps"),
        "Sampler": sampler_name(str(graph.value(sampler, "sampler_name"))),
        "Schedule type": schedule_name(graph.value(sampler, "scheduler")),
        "CFG scale": graph.value(sampler, "cfg"),
        "Seed": graph.value(sampler, "seed", "noise_seed"),
    }


def second_pass(graph: Graph, first: Node, last: Node, between: Iterable[Node]) -> dict[str, object]:
    """The pairs of a second pass, or of a pass over a picture; none for pictures from noise alone."""
    strength = graph.value(last, "denoise")
    if first is last:
        return {"Denoising strength": strength if isinstance(strength, float) and 0 < strength < 1 else None}
    pairs = {"Denoising strength": strength, "Hires steps": graph.value(last, "steps")}
    for node in between:
        method = node.inputs.get("upscale_method")
        if isinstance(method, str):
            pairs["Hires upscaler"] = LATENT_UPSCALERS.get(method) if "Latent" in node.kind else "None"
            width, height, scale = (graph.value(node, name) for name in ("width", "height", "scale_by"))
            pairs["Hires upscale"] = scale
            pairs["Hires resize"] = f"{width}x{height}" if scale is None else None
    again = sampler_pairs(graph, last)
    for label, name in (("Sampler", "Hires sampler"), ("Schedule type", "Hires schedule type")):
        pairs[name] = again[label] if again[label] != sampler_pairs(graph, first)[label] else None
    return pairs


def parsed(text: str) -> Any:
    """The value of a JSON text; None for what is none, or nested too deeply."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def nodes_of(graph: Any) -> dict[str, Node]:
    """The nodes of a graph that are whole."""
    entries = graph.items() if isinstance(graph, dict) else ()
    return {
        id: Node(node["class_type"], node["inputs"])
        for id, node in entries
        if isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)
    }


def target(value: Any, nodes: Mapping[str, Node]) -> str | None:
    """The node that an input names as [id, output]; None if it is no link or the node is missing."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and value[0] in nodes:
        return value[0]
    return None


def is_value(found: Any) -> bool:
    """Whether an input is a number or a text."""
    return isinstance(found, int | float | str) and not isinstance(found, bool)


def sampler_name(name: str) -> str:
    """A1111's name of a sampler."""
    plain = name.removeprefix("k_").removesuffix("_gpu")
    return SAMPLERS.get(plain, name)


def schedule_name(name: object) -> str | None:
    """A1111's name of a schedule."""
    return SCHEDULES.get(name, name) if isinstance(name, str) else None


def stem(path: str) -> str:
    """A model's name without folders and suffix, whichever system it was written on."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return name.rpartition(".")[0] or name
