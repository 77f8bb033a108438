"""Whose text counts when a picture carries several."""

import json

from modules.infotext import infotext_of, read

NOVELAI = {"Software": "NovelAI", "Description": "a cat", "Comment": json.dumps({"steps": 28, "seed": 3, "sampler": "k_euler"})}
SAMPLER = {"model": ["5", 0], "positive": ["2", 0], "negative": ["3", 0], "latent_image": ["4", 0], "seed": 5, "steps": 9, "cfg": 7.0}
NODES = {
    "1": {"class_type": "KSampler", "inputs": {**SAMPLER, "sampler_name": "euler", "scheduler": "normal"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a dog", "clip": ["5", 1]}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["5", 1]}},
    "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 640, "batch_size": 1}},
    "5": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x.safetensors"}},
}
COMFYUI = {"prompt": json.dumps(NODES)}
OWN = "a horse\nSteps: 4, Sampler: Euler, Seed: 1"


def test_novelai_counts_first_and_comfyui_last() -> None:
    assert read(infotext_of(OWN, NOVELAI, (64, 64)))["Seed"] == "3"
    assert infotext_of(OWN, COMFYUI, (64, 64)) == OWN
    assert read(infotext_of("", COMFYUI, (64, 64)))["Prompt"] == "a dog"
    assert infotext_of("", {"Title": "a picture"}, (64, 64)) == ""
