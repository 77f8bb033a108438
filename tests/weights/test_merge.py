"""The checkpoint merger: A1111's arithmetic, names and metadata; what does not fit is refused before anything is written."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from modules.contract.errors import BadRequest, NotFound
from modules.contract.merge import MergeRequest, merge_request_from
from modules.contract.progress import Cancel, Filed
from modules.weights import merge as merging
from modules.weights.catalogue import Catalogue
from modules.weights.files import read_tensors, write_tensors
from modules.weights.hashes import HashCache
from modules.weights.header import read_header
from modules.weights.kinds import VAE
from modules.weights.merge import DiskFull, merge
from modules.weights.merge_metadata import read_all
from modules.weights.name_filter import matching
from tests.golden import golden_path, needs_golden

POSITIONS = "cond_stage_model.transformer.text_model.embeddings.position_ids"
FIRST = "model.diffusion_model.input_blocks.0.0.weight"
DECODER = "first_stage_model.decoder.conv_in.weight"


def checkpoint(seed: int, *, inputs: int = 4, dtype: torch.dtype = torch.float16) -> dict[str, Tensor]:
    """A few tensors under a checkpoint's names."""
    torch.manual_seed(seed)
    tensors = {
        FIRST: torch.randn(8, inputs, 3, 3).to(dtype),
        "model.diffusion_model.out.2.bias": torch.randn(4).to(dtype),
        DECODER: torch.randn(6, 4, 3, 3).to(dtype),
        "cond_stage_model.transformer.text_model.final_layer_norm.weight": torch.randn(16).to(dtype),
    }
    return tensors | {POSITIONS: torch.arange(77)[None] + seed, "alphas_cumprod": torch.rand(10)}


class Listener:
    """A Reporter that remembers what it was told, and takes the work back after some steps."""

    def __init__(self, last_step: int | None = None) -> None:
        self.last_step = last_step
        self.total = self.steps = 0
        self.warnings: list[str] = []

    def start(self, total: int) -> None:
        self.total = total

    def extend(self, steps: int) -> None:
        self.total += steps

    def step(self, text: str = "") -> None:
        self.steps += 1
        self.check()

    def check(self) -> None:
        if self.steps == self.last_step:
            raise Cancel

    def check_between(self) -> None:
        self.check()

    def wants_preview(self) -> bool:
        return False

    def preview(self, picture: bytes) -> None:
        raise AssertionError

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def filed(self, number: int) -> Filed | None:
        return None

    def filing(self, number: int, filed: Filed) -> None:
        raise AssertionError


@dataclass
class Workshop:
    """A folder of checkpoints with its catalogues."""

    folder: Path
    checkpoints: Catalogue
    vaes: Catalogue

    def merge(self, listener: Listener | None = None, **values: Any) -> Path:
        request = merge_request_from({"primary": "a", **values})
        return merge(request, checkpoints=self.checkpoints, vaes=self.vaes, folder=self.folder, report=listener or Listener())

    def merged(self, **values: Any) -> dict[str, Tensor]:
        return read_tensors(self.merge(**values))

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


def workshop(root: Path, models: Mapping[str, Mapping[str, Tensor]]) -> Workshop:
    folder = root / "Stable-diffusion"
    folder.mkdir()
    for name, tensors in models.items():
        save_file(dict(tensors), folder / f"{name}.safetensors", {"from": name})
    (root / "VAE").mkdir()
    hashes = HashCache(root / "hashes.json")
    return Workshop(folder, Catalogue([folder], [], hashes), Catalogue([root / "VAE"], [], hashes, kind=VAE))


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return workshop(tmp_path, {"a": checkpoint(1), "b": checkpoint(2), "c": checkpoint(3)})


def test_a_weighted_sum_is_one_in_the_files_own_numbers(shop: Workshop) -> None:
    made, a, b = shop.merged(secondary="b", multiplier=0.3), checkpoint(1), checkpoint(2)
    assert set(made) == set(a)
    for name in a:
        mixed = "model" in name and name != POSITIONS
        assert torch.equal(made[name], (1 - 0.3) * a[name] + 0.3 * b[name] if mixed else a[name]), name


def test_a_difference_is_added(shop: Workshop) -> None:
    made, a, b, c = shop.merged(secondary="b", tertiary="c", method="Add difference", multiplier=0.5), *map(checkpoint, (1, 2, 3))
    assert torch.equal(made[FIRST], a[FIRST] + 0.5 * (b[FIRST] - c[FIRST]))
    assert torch.equal(made[POSITIONS], a[POSITIONS])


def test_what_c_lacks_makes_no_difference(tmp_path: Path) -> None:
    third = {name: value for name, value in checkpoint(3).items() if name != FIRST}
    shop = workshop(tmp_path, {"a": checkpoint(1), "b": checkpoint(2), "c": third})
    made = shop.merged(secondary="b", tertiary="c", method="Add difference")
    assert torch.equal(made[FIRST], checkpoint(1)[FIRST])


def test_what_b_lacks_stays_as_it_is_and_is_told(tmp_path: Path) -> None:
    second = {name: value for name, value in checkpoint(2).items() if name != FIRST}
    shop = workshop(tmp_path, {"a": checkpoint(1), "b": second})
    listener = Listener()
    made = read_tensors(shop.merge(listener, secondary="b"))
    assert torch.equal(made[FIRST], checkpoint(1)[FIRST])
    assert listener.warnings == ["1 tensors of A are not in B; they stay as they are."]


def test_without_interpolation_a_is_only_changed_in_form(tmp_path: Path) -> None:
    shop = workshop(tmp_path, {"a": checkpoint(1, dtype=torch.float32)})
    made = shop.merged(method="No interpolation", numbers="fp16", custom_name="small")
    assert {value.dtype for value in made.values()} == {torch.float16, torch.int64}
    assert torch.equal(made[FIRST], checkpoint(1, dtype=torch.float32)[FIRST].half())


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        (torch.float16, torch.float32, torch.float32),
        (torch.bfloat16, torch.float16, torch.float32),
        (torch.float8_e4m3fn, torch.float16, torch.float8_e4m3fn),
        (torch.float16, torch.float8_e4m3fn, torch.float16),
    ],
)
def test_numbers_of_two_types_become_numbers_of_the_wider(
    tmp_path: Path, first: torch.dtype, second: torch.dtype, result: torch.dtype
) -> None:
    a, b = checkpoint(1, dtype=first), checkpoint(2, dtype=second)
    made = workshop(tmp_path, {"a": a, "b": b}).merged(secondary="b", multiplier=0.5)[FIRST]
    assert made.dtype == result
    expected = (a[FIRST].float() + b[FIRST].float()) / 2
    limit = {torch.float8_e4m3fn: 2**-3, torch.float16: 2**-10, torch.float32: 2**-22}[result]  # a unit in the last place
    assert torch.allclose(made.float(), expected, rtol=limit, atol=2**-9 if result == torch.float8_e4m3fn else 1e-3 * limit)


@pytest.mark.parametrize(("inputs", "suffix"), [(9, "inpainting"), (8, "instruct-pix2pix")])
def test_of_a_model_with_more_inputs_only_the_latents_are_mixed(tmp_path: Path, inputs: int, suffix: str) -> None:
    a, b = checkpoint(1, inputs=inputs), checkpoint(2)
    shop = workshop(tmp_path, {"a": a, "b": b})
    path = shop.merge(secondary="b", multiplier=0.25)
    assert path.name == f"0.75(a) + 0.25(b).{suffix}.safetensors"
    made = read_tensors(path)[FIRST]
    assert torch.equal(made[:, :4], 0.75 * a[FIRST][:, :4] + 0.25 * b[FIRST])
    assert torch.equal(made[:, 4:], a[FIRST][:, 4:])
    recipe = json.loads(read_header(path).metadata["sd_merge_recipe"])
    assert (recipe["is_inpainting"], recipe["is_instruct_pix2pix"]) == (inputs == 9, inputs == 8)


def test_a_model_with_more_inputs_must_be_a(tmp_path: Path) -> None:
    shop = workshop(tmp_path, {"a": checkpoint(1), "b": checkpoint(2, inputs=9)})
    with pytest.raises(BadRequest, match=r"B is an inpainting model and A is none.*must be A"):
        shop.merge(secondary="b")
    assert shop.files() == {"a.safetensors", "b.safetensors"}


def test_a_vae_is_baked_in(shop: Workshop) -> None:
    decoder = torch.randn(6, 4, 3, 3)
    write_tensors(shop.folder.parent / "VAE" / "v.safetensors", {"decoder.conv_in.weight": decoder, "loss.logvar": torch.zeros(1)})
    shop.vaes.refresh()
    made = shop.merged(secondary="b", vae="v.safetensors", numbers="fp16")
    assert torch.equal(made[DECODER], decoder.half())
    assert "first_stage_model.loss.logvar" not in made


def test_a_vae_that_does_not_fit_is_refused(shop: Workshop) -> None:
    write_tensors(shop.folder.parent / "VAE" / "v.safetensors", {"decoder.conv_in.weight": torch.zeros(5)})
    write_tensors(shop.folder.parent / "VAE" / "w.safetensors", {"other": torch.zeros(5)})
    shop.vaes.refresh()
    for name in ("v.safetensors", "w.safetensors"):
        with pytest.raises(BadRequest, match="does not fit"):
            shop.merge(secondary="b", vae=name)


def test_tensors_are_discarded_by_pattern(shop: Workshop) -> None:
    made = shop.merged(secondary="b", discard=r"^first_stage_model\.|alphas")
    assert set(checkpoint(1)) - set(made) == {DECODER, "alphas_cumprod"}


@pytest.mark.timeout(60)
def test_a_pattern_that_never_ends_is_given_up(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modules.weights.name_filter.SECONDS", 0.5)
    with pytest.raises(BadRequest, match="takes too long"):
        matching(["a" * 60 + "b"], "(a|a)*$")
    with pytest.raises(BadRequest, match="is not a pattern"):
        shop.merge(secondary="b", discard="(")


def test_text_encoders_named_as_before_2023_are_mixed_with_todays(tmp_path: Path) -> None:
    b = {name.replace(".text_model", ""): value for name, value in checkpoint(2).items()}
    made = workshop(tmp_path, {"a": checkpoint(1), "b": b}).merged(secondary="b", multiplier=1)
    name = "cond_stage_model.transformer.text_model.final_layer_norm.weight"
    assert torch.equal(made[name], checkpoint(2)[name])


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"secondary": "b"}, "0.7(a) + 0.3(b).safetensors"),
        ({"secondary": "b", "tertiary": "c", "method": "Add difference"}, "a + 0.3(b - c).safetensors"),
        ({"method": "No interpolation", "format": "ckpt"}, "a.ckpt"),
        ({"secondary": "b", "custom_name": "mine"}, "mine.safetensors"),
    ],
)
def test_a_file_is_named_as_a1111_names_it(shop: Workshop, values: dict[str, Any], name: str) -> None:
    assert shop.merge(**values) == shop.folder / name
    assert shop.checkpoints.find(name).path == shop.folder / name


def test_a_ckpt_is_what_torch_reads(shop: Workshop) -> None:
    path = shop.merge(secondary="b", format="ckpt")
    made = torch.load(path, weights_only=True)["state_dict"]
    assert torch.equal(made[FIRST], 0.7 * checkpoint(1)[FIRST] + 0.3 * checkpoint(2)[FIRST])


@pytest.mark.parametrize("name", ["../up", "a/b", "con", "x.", "ä" * 150])
def test_a_name_that_cannot_be_a_file_is_refused(shop: Workshop, name: str) -> None:
    with pytest.raises(BadRequest, match="cannot be a file's name"):
        shop.merge(secondary="b", custom_name=name)


def test_a_checkpoint_is_never_overwritten(shop: Workshop) -> None:
    with pytest.raises(BadRequest, match=r"There is a checkpoint c\.safetensors already"):
        shop.merge(secondary="b", custom_name="c")


def test_checkpoints_of_two_kinds_are_refused(tmp_path: Path) -> None:
    wider = checkpoint(2) | {"model.diffusion_model.out.2.bias": torch.zeros(5)}
    shop = workshop(tmp_path, {"a": checkpoint(1), "b": wider, "other": {"x": torch.zeros(1)}})
    with pytest.raises(BadRequest, match=r"of different kinds: 'model.diffusion_model.out.2.bias' is \(4,\) in A and \(5,\) in B"):
        shop.merge(secondary="b")
    with pytest.raises(BadRequest, match="no tensors in common"):
        shop.merge(secondary="other")
    with pytest.raises(NotFound):
        shop.merge(secondary="nothing")


def test_a_full_disk_is_told_before_anything_is_written(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "SPARE", 2**60)
    with pytest.raises(DiskFull, match="GB free"):
        shop.merge(secondary="b")
    assert len(shop.files()) == 3


@pytest.mark.parametrize("kind", ["safetensors", "ckpt"])
def test_a_merge_that_is_taken_back_leaves_nothing(shop: Workshop, kind: str) -> None:
    before = shop.files()
    with pytest.raises(Cancel):
        shop.merge(Listener(last_step=40), secondary="b", format=kind)
    assert shop.files() == before


def test_progress_reaches_its_end(shop: Workshop) -> None:
    listener = Listener()
    shop.merge(listener, secondary="b")
    assert listener.steps == listener.total == 100


def test_the_recipe_and_the_sources_metadata_are_written(shop: Workshop) -> None:
    first = shop.merge(secondary="b", numbers="fp16", custom_name="ab", metadata={"note": "mine"})
    a, b = (shop.checkpoints.find(name) for name in ("a.safetensors", "b.safetensors"))
    found = read_header(first).metadata
    assert (found["from"], found["note"], found["format"]) == ("b", "mine", "pt")
    recipe = json.loads(found["sd_merge_recipe"])
    assert recipe == {
        "type": "webui", "primary_model_hash": a.sha256, "secondary_model_hash": b.sha256, "tertiary_model_hash": None,
        "interp_method": "Weighted sum", "multiplier": 0.3, "save_as_half": True, "custom_name": "ab", "config_source": 0,
        "bake_in_vae": "None", "discard_weights": "", "is_inpainting": False, "is_instruct_pix2pix": False,
    }  # fmt: skip
    second = json.loads(read_header(shop.merge(primary="ab", secondary="c")).metadata["sd_merge_models"])
    assert {model["name"] for model in second.values()} == {"ab.safetensors", "a.safetensors", "b.safetensors", "c.safetensors"}
    assert second[shop.checkpoints.find("ab").sha256]["sd_merge_recipe"] == recipe


def test_metadata_can_be_left_out(shop: Workshop) -> None:
    assert read_header(shop.merge(secondary="b", save_metadata=False)).metadata == {}
    alone = read_header(shop.merge(secondary="b", custom_name="x", recipe=False, copy_metadata=False)).metadata
    assert alone == {"format": "pt"}


def test_metadata_of_all_sources_can_be_read(shop: Workshop) -> None:
    assert read_all(MergeRequest(primary="a", secondary="b"), shop.checkpoints) == {"from": "b"}


@pytest.mark.parametrize(("choice", "content"), [("A, B or C", "b: 1"), ("B", "b: 1"), ("C", None), ("Don't", None)])
def test_a_config_is_copied_from_where_it_is_asked_for(shop: Workshop, choice: str, content: str | None) -> None:
    (shop.folder / "b.yaml").write_text("b: 1")
    beside = shop.merge(secondary="b", tertiary="c", method="Add difference", config_from=choice).with_suffix(".yaml")
    assert (beside.read_text() if beside.exists() else None) == content


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"secondary": None}, r"needs a secondary model \(B\)"),
        ({"secondary": "b", "method": "Add difference"}, r"needs a tertiary model \(C\)"),
        ({"secondary": "b", "multiplier": 2}, "at most 1"),
        ({"secondary": "b", "method": "Guess"}, "Guess"),
    ],
)
def test_a_request_that_cannot_be_is_refused_in_words(values: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        merge_request_from({"primary": "a", **values})


class Watcher(Listener):
    """Notes the highest memory use between two tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.process = psutil.Process(os.getpid())
        self.first = self.highest = self.process.memory_info().rss

    def check(self) -> None:
        self.highest = max(self.highest, self.process.memory_info().rss)


@pytest.mark.parametrize("kind", ["safetensors", "ckpt"])
def test_memory_holds_a_few_tensors_and_never_a_model(tmp_path: Path, kind: str) -> None:
    tensors = {f"model.{number}.weight": torch.ones(2**20, dtype=torch.float16) for number in range(32)}
    shop = workshop(tmp_path, {"a": tensors, "b": tensors})
    del tensors
    shop.merge(Watcher(), secondary="b", format=kind, custom_name="first")  # what is loaded with the first is no part of it
    watcher = Watcher()
    shop.merge(watcher, secondary="b", format=kind, custom_name="second")
    assert watcher.highest - watcher.first < 24 * 2**20  # a model has 64 MB, and ten tensors 20


@needs_golden
def test_recorded_models_merge_as_computed_directly(tmp_path: Path) -> None:
    source = golden_path("models/tiny-sd1.safetensors")
    assert source
    a = load_file(source)
    b = {name: value.flip(0) if value.dim() else value for name, value in a.items()}
    shop = workshop(tmp_path, {"b": {name: value.contiguous() for name, value in b.items()}})
    (shop.folder / "a.safetensors").symlink_to(source)
    shop.checkpoints.refresh()
    made = load_file(shop.merge(secondary="b", multiplier=0.6))
    for name, value in a.items():
        mixed = "model" in name and value.is_floating_point()
        assert torch.equal(made[name], (1 - 0.6) * value + 0.6 * b[name] if mixed else value), name


def test_numbers_can_be_saved_wide(tmp_path: Path) -> None:
    shop = workshop(tmp_path, {"a": checkpoint(1)})
    made = shop.merged(method="No interpolation", numbers="fp32", custom_name="wide")
    assert {value.dtype for value in made.values()} == {torch.float32, torch.int64}
    assert torch.equal(made[FIRST], checkpoint(1)[FIRST].float())
