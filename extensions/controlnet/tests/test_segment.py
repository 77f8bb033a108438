"""Segmentation over tiny networks of the real kinds, in folders as a person puts them there."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    CLIPTokenizer,
    DetrConfig,
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    MaskFormerConfig,
    MaskFormerForInstanceSegmentation,
    OneFormerConfig,
    OneFormerForUniversalSegmentation,
    SegformerConfig,
    SegformerForSemanticSegmentation,
    SwinConfig,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)

from extensions.controlnet.preprocessors import available, default_preprocessor, people, run_preprocessor, segment
from extensions.controlnet.preprocessors.network_files import FOLDER
from extensions.controlnet.preprocessors.segment_colours import ADE20K, COCO, synonyms
from modules.contract.errors import NotSupported
from modules.weights.header import BadModel

QUERIES = {"num_queries": 8, "hidden_dim": 32, "encoder_feedforward_dim": 16, "encoder_layers": 1, "decoder_layers": 2,
           "num_attention_heads": 2, "dim_feedforward": 16}  # fmt: skip


def numbered(classes: Mapping[str, Any]) -> dict[int, str]:
    return {number: label.split(",")[0] for number, label in enumerate(classes)}


def swin() -> Any:
    config: Any = SwinConfig  # its annotations lack what a backbone is asked for
    return config(image_size=64, embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 2], window_size=4,
                  out_features=["stage1", "stage2", "stage3", "stage4"])  # fmt: skip


def segformer(**told: Any) -> Any:
    return SegformerForSemanticSegmentation(SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 16, 16], decoder_hidden_size=16, num_attention_heads=[1, 1, 1, 1], **told))  # fmt: skip


def upernet(**told: Any) -> Any:
    return UperNetForSemanticSegmentation(UperNetConfig(backbone_config=swin(), hidden_size=16, pool_scales=[1, 2],
                                                        use_auxiliary_head=False, **told))  # fmt: skip


def mask2former(**told: Any) -> Any:
    return Mask2FormerForUniversalSegmentation(Mask2FormerConfig(backbone_config=swin(), feature_size=32, mask_feature_size=32,
                                                                 **QUERIES, **told))  # fmt: skip


def maskformer(**told: Any) -> Any:
    decoder = DetrConfig(d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
                         encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=8)  # fmt: skip
    return MaskFormerForInstanceSegmentation(MaskFormerConfig(backbone_config=swin(), fpn_feature_size=32, mask_feature_size=32,
                                                              decoder_config=decoder, **told))  # fmt: skip


def oneformer(**told: Any) -> Any:
    return OneFormerForUniversalSegmentation(OneFormerConfig(
        backbone_config=swin(), conv_dim=32, mask_dim=32, text_encoder_width=32, text_encoder_num_layers=1, text_encoder_vocab_size=600,
        text_encoder_n_ctx=2, **QUERIES, **told))  # fmt: skip


def put(models: Path, name: str, make: Callable[..., Any], *, size: Any = None, **told: Any) -> Path:
    """A network of random numbers in its folder, so strong that its answers differ from place to place."""
    torch.manual_seed(0)
    network, folder = make(**told), models / FOLDER / name
    for value in network.parameters():
        if value.ndim > 1:
            torch.nn.init.normal_(value, std=2.5 / value[0].numel() ** 0.5)
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": size or {"height": 64, "width": 64}}))
    return folder


def put_tokenizer(folder: Path) -> None:
    """A tokenizer of CLIP's kind that knows letters and no longer parts."""
    words = ["the", "task", "is", "semantic"]
    parts = [*map(chr, range(33, 127)), *(f"{chr(code)}</w>" for code in range(33, 127)), *(f"{word}</w>" for word in words)]
    (folder / "vocab.json").write_text(json.dumps({part: at for at, part in enumerate([*parts, "<|startoftext|>", "<|endoftext|>"])}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)


def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (6, 9, 3)).astype(np.uint8)).resize((96, 64))


def hint_of(name: str, models: Path, resolution: int = 96) -> Any:
    return np.asarray(run_preprocessor(name, picture(), resolution=resolution, models=models))


def colours_in(hint: Any) -> set[tuple[int, ...]]:
    return {tuple(int(level) for level in one) for one in np.unique(hint.reshape(-1, 3), axis=0)}


@pytest.mark.parametrize("make", [segformer, upernet, mask2former, maskformer, oneformer])
def test_every_kind_of_network_paints_in_the_colours_of_its_classes(make: Callable[..., Any], tmp_path: Path) -> None:
    folder = put(tmp_path, "seg_ofade20k", make, id2label=numbered(ADE20K))
    put_tokenizer(folder)
    hint = hint_of("oneformer_ade20k", tmp_path)
    assert hint.shape == (96, 144, 3) and hint.dtype == np.uint8
    assert len(colours_in(hint)) > 1 and colours_in(hint) <= set(ADE20K.values())
    assert np.array_equal(hint, hint_of("seg_ofade20k", tmp_path))


def test_coco_has_colours_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, "seg_ofcoco", segformer, id2label=numbered(COCO))
    assert colours_in(hint_of("seg_ofcoco", tmp_path)) <= set(COCO.values())


def test_classes_in_another_order_or_without_names_keep_their_colours(tmp_path: Path) -> None:
    names = numbered(ADE20K)
    folder = put(tmp_path, "seg_ufade20k", segformer, id2label=names)
    plain = hint_of("segmentation", tmp_path)
    unnamed = segment.palette_of(folder, {number: f"LABEL_{number}" for number in names}, "ADE20K")
    assert np.array_equal(unnamed, segment.palette_of(folder, names, "ADE20K"))

    network = SegformerForSemanticSegmentation.from_pretrained(folder)
    head: Any = network.decode_head.classifier
    for value in (head.weight, head.bias):
        value.data = value.data.flip(0)
    network.config.id2label = {number: names[149 - number] for number in names}
    network.save_pretrained(folder)
    assert np.array_equal(hint_of("segmentation", tmp_path), plain)


def test_the_names_that_networks_use_find_the_class() -> None:
    found = segment.palette_of(Path("any"), {0: "road, route", 1: "window ", 2: "tub", 3: "screen", 4: "tv"}, "ADE20K")
    assert found.tolist() == [[140, 140, 140], [230, 230, 230], [102, 8, 255], [0, 204, 255], [0, 255, 194]]


def test_a_network_for_other_things_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "seg_ufade20k", segformer, id2label={0: "road", 1: "rider"})
    with pytest.raises(BadModel, match=r"knows 'rider'.*150 classes of ADE20K"):
        hint_of("seg_ufade20k", tmp_path)
    with pytest.raises(BadModel, match=r"tells 2 classes apart.*133 classes of COCO"):
        segment.palette_of(Path("any"), {0: "LABEL_0", 1: "LABEL_1"}, "COCO")


def test_the_tables_are_those_of_the_data_sets() -> None:
    assert (len(ADE20K), len(COCO)) == (150, 133)
    assert len(set(ADE20K.values())) == 149 and len(set(COCO.values())) == 133  # a road and a skyscraper are the same grey
    ade, coco = synonyms(ADE20K), synonyms(COCO)
    assert people.PERSON == ade["person"] == (150, 5, 61) and ade["sky"] == (6, 230, 230) and ade["flag"] == (92, 0, 255)
    assert coco["person"] == (220, 20, 60) and coco["sky-other-merged"] == (70, 130, 180) and coco["rug-merged"] == (250, 141, 255)


def test_it_is_chosen_before_people_alone_where_it_is_there(tmp_path: Path) -> None:
    assert default_preprocessor("Segmentation", tmp_path) == "seg_person"
    assert "seg_ofcoco" not in {one.name for one in available(tmp_path)}
    put(tmp_path, "seg_ofcoco", segformer, id2label=numbered(COCO))
    assert default_preprocessor("Segmentation", tmp_path) == "seg_ofcoco"
    with pytest.raises(NotSupported, match="'seg_ofade20k' needs a network") as raised:
        hint_of("seg_ofade20k", tmp_path)
    assert "Put a segmentation model" in raised.value.hint and "ControlNetPreprocessor/seg_ofade20k" in raised.value.hint


def test_oneformer_asks_for_its_tokenizer(tmp_path: Path) -> None:
    folder = put(tmp_path, "seg_ofade20k", oneformer, id2label=numbered(ADE20K))
    with pytest.raises(BadModel, match="OneFormer needs its tokenizer"):
        hint_of("seg_ofade20k", tmp_path)
    put_tokenizer(folder)
    asked = segment.task_words(folder, 77)
    letters = json.loads((folder / "vocab.json").read_text("utf8"))
    assert asked.shape == (1, 77) and asked[0, 0] == letters["<|startoftext|>"]
    spoken = len("thetaskissemantic") + 2
    assert asked[0, spoken - 1] == letters["<|endoftext|>"] and (asked[0, spoken:] == 0).all()


def test_what_is_no_network_is_said(tmp_path: Path) -> None:
    folder = put(tmp_path, "seg_ofade20k", segformer, id2label=numbered(ADE20K))
    told = json.loads((folder / "config.json").read_text("utf8"))
    (folder / "config.json").write_text(json.dumps(told | {"depths": [1, 1, 1, 2]}))
    with pytest.raises(BadModel, match=r"not those that its config.json tells of: .* is missing"):
        hint_of("seg_ofade20k", tmp_path)
    (folder / "config.json").write_text(json.dumps(told | {"model_type": "dragon"}))
    with pytest.raises(BadModel, match="no segmentation network that can be read"):
        hint_of("seg_ofade20k", tmp_path)
    (folder / "config.json").write_text("[")
    with pytest.raises(BadModel, match=r"config.json cannot be used: it is no JSON object"):
        hint_of("seg_ofade20k", tmp_path)


@pytest.mark.parametrize("kinds", [None, torch.rand(5, 3, generator=torch.Generator().manual_seed(1))])
def test_what_is_seen_is_enlarged_before_one_is_chosen(kinds: torch.Tensor | None) -> None:
    planes = torch.randn(5, 12, 7, generator=torch.Generator().manual_seed(0)) * 3
    large = torch.nn.functional.interpolate(planes[None], size=(130, 65), mode="bilinear")[0]
    wanted = (large if kinds is None else (large.sigmoid()[:, None] * kinds[:, :, None, None]).sum(0)).argmax(0)
    assert np.array_equal(segment.most_likely(planes, 130, 65, kinds), wanted.numpy())


def test_a_network_sees_the_size_that_its_folder_tells() -> None:
    assert segment.working_size(512, 768, {"size": {"height": 512, "width": 512}}) == (512, 512)
    assert segment.working_size(512, 768, {"size": {"shortest_edge": 640, "longest_edge": 2560}}) == (640, 960)
    assert segment.working_size(512, 2560, {"size": {"shortest_edge": 640, "longest_edge": 1280}}) == (256, 1280)
    assert segment.working_size(512, 768, {"size": 640, "max_size": 2560}) == (640, 960)
    assert segment.working_size(512, 768, {"size": 512}) == (512, 512)
    assert segment.working_size(500, 760, {}) == (512, 768)
