"""Pictures of other programs as infotext."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.infotext.foreign import from_comfyui, from_novelai
from modules.infotext.read import read

NOVELAI = {
    "Software": "NovelAI",
    "Description": "a {cat}",
    "Comment": json.dumps({"steps": 28, "sampler": "k_euler_ancestral", "seed": 5, "strength": 0.7, "scale": 11.0, "uc": "low, bad"}),
}


def test_a_novelai_picture_reads_as_a1111_converts_it() -> None:
    assert from_novelai(NOVELAI, (512, 768)) == (
        "a {cat}\nNegative prompt: low, bad\n"
        "Steps: 28, Sampler: Euler a, CFG scale: 11.0, Seed: 5, Size: 512x768, Clip skip: 2, ENSD: 31337"
    )


def test_a_newer_novelai_picture_says_its_size_schedule_and_prompt_itself() -> None:
    comment = {
        "prompt": "x",
        "steps": 1,
        "seed": 2,
        "sampler": "k_dpmpp_2m",
        "noise_schedule": "karras",
        "width": 8,
        "height": 16,
        "scale": 5,
    }
    values = read(from_novelai({"Software": "NovelAI", "Comment": json.dumps(comment)}) or "")
    assert (values["Prompt"], values["Sampler"], values["Schedule type"], values["Size-2"]) == ("x", "DPM++ 2M", "Karras", "16")


@pytest.mark.parametrize("comment", ["", "{", "[]", "3", "{}", "[" * 100_000, '{"steps": 1}'])
def test_a_damaged_comment_is_none(comment: str) -> None:
    assert from_novelai({"Software": "NovelAI", "Comment": comment}) is None


def test_a_picture_of_another_program_is_not_novelais() -> None:
    assert from_novelai({**NOVELAI, "Software": "other"}) is None


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def sampler(**changes: Any) -> dict[str, Any]:
    inputs = {"seed": 7, "steps": 20, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0}
    links = {"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}
    return node("KSampler", **{**inputs, **links, **changes})


GRAPH = {
    "3": sampler(),
    "4": node("CheckpointLoaderSimple", ckpt_name="folder\\model.v1.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=640, batch_size=1),
    "6": node("CLIPTextEncode", text="a cat", clip=["4", 1]),
    "7": node("CLIPTextEncode", text="bad", clip=["4", 1]),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", images=["8", 0], filename_prefix="ComfyUI"),
}


def values_of(**changes: dict[str, Any]) -> dict[str, str]:
    graph = {**GRAPH, **{name.removeprefix("n"): value for name, value in changes.items()}}
    return read(from_comfyui({"prompt": json.dumps(graph)}) or "")


def test_a_plain_comfyui_graph_is_read() -> None:
    assert values_of() == {
        "Prompt": "a cat", "Negative prompt": "bad", "Steps": "20", "Sampler": "DPM++ 2M", "Schedule type": "Karras",
        "CFG scale": "6.5", "Seed": "7", "Size-1": "512", "Size-2": "640", "Model": "model.v1", "RNG": "CPU", "Version": "ComfyUI",
    }  # fmt: skip


def test_loras_become_tags_in_their_order_and_clip_skip_and_vae_are_read() -> None:
    lora = {"clip": ["4", 1], "strength_clip": 0.5}
    values = values_of(
        n3=sampler(model=["11", 0]),
        n6=node("CLIPTextEncode", text="a cat", clip=["12", 0]),
        n8=node("VAEDecode", samples=["3", 0], vae=["13", 0]),
        n10=node("LoraLoader", model=["4", 0], lora_name="one.safetensors", strength_model=0.8, **lora),
        n11=node("LoraLoaderModelOnly", model=["10", 0], lora_name="sub/two.pt", strength_model=1),
        n12=node("CLIPSetLastLayer", clip=["10", 1], stop_at_clip_layer=-2),
        n13=node("VAELoader", vae_name="vae.pt"),
    )
    assert values["Prompt"] == "a cat<lora:one:0.5:0.8><lora:two:0:1>"
    assert (values["Clip skip"], values["VAE"]) == ("2", "vae.pt")


def test_a_second_sampler_over_enlarged_latents_is_the_second_pass() -> None:
    values = values_of(
        n8=node("VAEDecode", samples=["21", 0], vae=["4", 2]),
        n20=node("LatentUpscale", samples=["3", 0], upscale_method="bicubic", width=1024, height=1280),
        n21=sampler(latent_image=["20", 0], denoise=0.5, steps=12, sampler_name="euler", seed=9),
    )
    assert (values["Denoising strength"], values["Hires steps"], values["Hires upscaler"]) == ("0.5", "12", "Latent (bicubic)")
    assert (values["Hires resize-1"], values["Hires sampler"], values["Steps"], values["Seed"]) == ("1024", "Euler", "20", "7")


def test_latents_of_a_picture_make_it_img2img() -> None:
    values = values_of(
        n3=sampler(latent_image=["30", 0], denoise=0.6), n30=node("VAEEncode", pixels=["31", 0]), n31=node("LoadImage", image="x.png")
    )
    assert values["Denoising strength"] == "0.6"
    assert "Size-1" not in values


def test_the_parts_of_a_custom_sampler_are_put_together() -> None:
    values = values_of(
        n3=node("SamplerCustomAdvanced", noise=["40", 0], guider=["41", 0], sampler=["42", 0], sigmas=["43", 0], latent_image=["5", 0]),
        n40=node("RandomNoise", noise_seed=11),
        n41=node("CFGGuider", model=["4", 0], positive=["6", 0], negative=["7", 0], cfg=3),
        n42=node("KSamplerSelect", sampler_name="euler_ancestral"),
        n43=node("BasicScheduler", scheduler="sgm_uniform", steps=["44", 0], denoise=1),
        n44=node("PrimitiveInt", value=33),
    )
    assert (values["Seed"], values["Sampler"], values["Schedule type"], values["Steps"]) == ("11", "Euler a", "SGM Uniform", "33")
    assert (values["Prompt"], values["Negative prompt"], values["Model"], values["CFG scale"]) == ("a cat", "bad", "model.v1", "3")


def test_joined_prompts_and_prompts_from_other_nodes_are_found() -> None:
    values = values_of(
        n3=sampler(positive=["50", 0]),
        n50=node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["51", 0]),
        n51=node("CLIPTextEncode", text=["52", 0], clip=["4", 1]),
        n52=node("Text", value="on a mat"),
    )
    assert values["Prompt"] == "a cat AND on a mat"


def test_a_circle_ends() -> None:
    assert values_of(n6=node("ConditioningConcat", conditioning_to=["7", 0], conditioning_from=["6", 0]))["Prompt"] == "bad"


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"1": 2}', "{" * 100_000, "[" * 100_000, '{"3": {"class_type": "KSampler"}}', "9" * 5000]
)
def test_a_text_that_is_no_graph_is_none(text: str) -> None:
    assert from_comfyui({"prompt": text}) is None


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["3", "4", "KSampler", "latent_image"]), st.text(max_size=5)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["3", "text", "clip", "positive", "class_type"]), inner)
    ),
    max_leaves=10,
)


@given(
    st.sampled_from(sorted(GRAPH)),
    st.sampled_from(["text", "clip", "seed", "steps", "model", "latent_image", "positive", "width", "images"]),
    JSON,
)
@settings(max_examples=200)
def test_no_graph_raises(id: str, name: str, value: Any) -> None:
    graph = {**GRAPH, id: {**GRAPH[id], "inputs": {**GRAPH[id]["inputs"], name: value}}}
    from_comfyui({"prompt": json.dumps(graph)})
    from_novelai({"Software": "NovelAI", "Comment": json.dumps({"steps": 1, "seed": 2, name: value, "sampler": value, "uc": value})})
