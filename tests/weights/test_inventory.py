"""What is on disk, what is wrong with it, and what can be done: with real files of every kind."""

import json
import struct
import time
from pathlib import Path

import pytest
import torch

from modules.contract.errors import BadRequest, NotFound
from modules.contract.services import ModelFile
from modules.families.identify import identify
from modules.weights.config import config_beside, read_config
from modules.weights.files import describe
from modules.weights.hashes import HashCache, sha256_of
from modules.weights.inventory import Inventory, VariantLike
from modules.weights.recognition import contents, recognize
from modules.weights.shelves import Shelves
from modules.weights.stock import Stock
from modules.weights.writing import write_tensors

DEMO = Path(__file__).parents[2] / "models" / "Stable-diffusion" / "demo.safetensors"
ATTENTION = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"


def variant_of(path: Path) -> VariantLike:
    return identify(describe(path), read_config(config_beside(path)))


class House:
    """A models folder, and what is known of it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.models = data / "models"
        self.changes = 0
        (self.models / "Stable-diffusion").mkdir(parents=True)
        self.look()

    def look(self) -> "House":
        """As a program that starts."""
        hashes = HashCache(self.data / "hashes.json")
        self.inventory = Inventory(Shelves(self.models, self.data), hashes, self.data / "models.json", variant_of)
        self.stock = Stock(self.inventory, hashes, self.changed)
        self.refresh()
        return self

    def changed(self) -> None:
        self.changes += 1

    def refresh(self) -> None:
        self.inventory.refresh()
        self.wait()

    def wait(self) -> None:
        end = time.monotonic() + 20
        while self.inventory.pending or self.stock.hashing.state()["waiting"]:
            assert time.monotonic() < end
            time.sleep(0.01)

    def put(self, place: str, tensors: dict[str, torch.Tensor] | bytes, metadata: dict[str, str] | None = None) -> Path:
        path = self.models / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(tensors, bytes):
            path.write_bytes(tensors)
        elif path.suffix == ".safetensors":
            write_tensors(path, tensors, metadata or {})
        else:
            torch.save(tensors, path)
        return path

    def file(self, name: str) -> ModelFile:
        return next(one for one in self.inventory.files() if one.name == name)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def half(*shape: int) -> torch.Tensor:
    return torch.zeros(shape, dtype=torch.float16)


def lora(width: int = 768, rank: int = 8) -> dict[str, torch.Tensor]:
    return {
        f"{ATTENTION}.lora_down.weight": half(rank, width),
        f"{ATTENTION}.lora_up.weight": half(320, rank),
        f"{ATTENTION}.alpha": half(),
    }


VAE = {"encoder.conv_in.weight": half(8, 3, 3, 3), "decoder.conv_in.weight": half(8, 4, 3, 3)}
KINDS = [
    (lora(), "lora", "sd1", ("rank 8", "fp16")),
    (lora(1024, 4), "lora", "sd2", ("rank 4", "fp16")),
    (lora(2048), "lora", "sdxl", ("rank 8", "fp16")),
    ({"lora_te2_x.lora_down.weight": half(2, 9)}, "lora", "sdxl", ("rank 2", "fp16")),
    ({"a.hada_w1_a": half(4, 4), "a.hada_w1_b": half(4, 9)}, "lora", None, ("LoHa", "rank 4", "fp16")),
    ({"a.lokr_w1": half(4, 4)}, "lora", None, ("LoKr", "fp16")),
    ({**lora(), f"{ATTENTION}.dora_scale": half(1, 9)}, "lora", "sd1", ("DoRA", "rank 8", "fp16")),
    ({"lora_unet_double_blocks_0_img.lora_down.weight": half(16, 9)}, "lora", "flux", ("rank 16", "fp16")),
    (VAE, "vae", None, ("fp16",)),
    ({**VAE, "decoder.conv_in.weight": half(8, 16, 3, 3)}, "vae", None, ("16 channels", "fp16")),
    ({"emb_params": half(3, 768)}, "embedding", "sd1", ("3 vectors",)),
    ({"clip_l": half(1, 768), "clip_g": half(1, 1280)}, "embedding", "sdxl", ("1 vector",)),
    ({"<cat>": half(1024)}, "embedding", "sd2", ("1 vector",)),
    ({"control_model.input_blocks.0.0.weight": half(2, 2)}, "controlnet", None, ("ControlNet", "fp16")),
    ({"body.0.rdb1.conv1.weight": half(2, 2)}, "upscaler", None, ("ESRGAN", "fp16")),
    ({"text_model.encoder.layers.0.mlp.fc1.weight": half(2, 2)}, "text encoder", None, ("fp16",)),
    ({"down_blocks.0.resnets.0.norm1.weight": half(2)}, "unet", None, ("fp16",)),
    ({"double_blocks.0.img_attn.qkv.weight": half(2, 2)}, "unet", "flux", ("fp16",)),
    ({"something.weight": torch.zeros(3)}, None, None, ("fp32",)),
]


@pytest.mark.parametrize(("tensors", "kind", "family", "details"), KINDS)
def test_a_file_is_known_by_its_header(
    tensors: dict[str, torch.Tensor], kind: str | None, family: str | None, details: tuple[str, ...], house: House
) -> None:
    nature = recognize(contents(house.put("x.safetensors", tensors)))
    assert (nature.kind, nature.family, nature.details) == (kind, family, details)


def test_a_pickle_is_known_by_what_lies_deep_in_it(house: House) -> None:
    embedding = {"string_to_token": {"*": 265}, "string_to_param": {"*": torch.zeros(2, 768)}, "name": "cat"}
    hypernetwork = {768: [{"linear.0.weight": torch.zeros(4, 4)}], "step": 100}
    upscaler = {"params_ema": {"RRDB_trunk.0.RDB1.conv1.weight": torch.zeros(2, 2)}}
    found = [recognize(contents(house.put(f"{number}.pt", value))) for number, value in enumerate([embedding, hypernetwork, upscaler])]  # type: ignore[arg-type]
    assert [(one.kind, one.family) for one in found] == [("embedding", "sd1"), ("hypernetwork", None), ("upscaler", None)]


def test_a_checkpoint_shows_its_family_and_title(house: House) -> None:
    house.put("Stable-diffusion/sub/demo.safetensors", DEMO.read_bytes())
    house.refresh()
    one = house.file("demo.safetensors")
    assert (one.kind, one.family, one.details, one.problem, one.used) == ("checkpoint", "sd1", ("fp16",), None, True)
    assert (one.folder, one.title, one.sha256) == ("Stable-diffusion/sub", "sub/demo.safetensors", None)
    house.stock.hash([one.id])
    house.wait()
    one = house.file("demo.safetensors")
    assert one.sha256 is not None and one.sha256 == sha256_of(DEMO)
    assert one.title == f"sub/demo.safetensors [{one.sha256[:10]}]"


def header_only(size: int) -> bytes:
    text = json.dumps({"a": {"dtype": "F16", "shape": [size], "data_offsets": [0, 2 * size]}}).encode()
    return struct.pack("<Q", len(text)) + text


PROBLEMS = [
    ("Stable-diffusion/page.safetensors", b"<html> Please log in to go on </html>", "It is a web page, not a model."),
    ("Stable-diffusion/half.safetensors", header_only(1000), "It is cut off: 2,000 bytes are missing at its end."),
    ("Lora/lfs.safetensors", b"version https://git-lfs.github.com/spec/v1\noid x", "It is a git-lfs pointer, not the model itself."),
    ("Lora/empty.safetensors", b"", "It is empty."),
    ("VAE/evil.pt", b"\x80\x04cos\nsystem\n(S'true'\ntR.", "It"),
    ("Stable-diffusion/x.gguf", b"GGUF" + b"x" * 99, "GGUF files cannot be used here."),
    ("Lora/x.safetensors.part", b"beginning", "It is the beginning of a download that did not end."),
    ("Odd/x.onnx", b"x" * 99, "Nothing here reads files of this kind."),
]


@pytest.mark.parametrize(("place", "data", "problem"), PROBLEMS)
def test_what_is_wrong_with_a_file_is_said(place: str, data: bytes, problem: str, house: House) -> None:
    house.put(place, data)
    house.refresh()
    one = house.file(Path(place).name)
    if place != "Odd/x.onnx":
        assert one.problem is not None
        assert one.problem.startswith(problem)
    assert one.known


MISPLACED = [
    ("Stable-diffusion/detail.safetensors", lora(), "lora", "It is a LoRA, and lies among the checkpoints.", "Lora"),
    ("Lora/soft.safetensors", VAE, "vae", "It is a VAE, and lies among the LoRAs.", "VAE"),
    (
        "Stable-diffusion/cat.pt",
        {"string_to_param": {"*": torch.zeros(2, 768)}},
        "embedding",
        "It is an embedding, and lies among the checkpoints.",
        "embeddings",
    ),
    ("here.safetensors", lora(), "lora", "It is a LoRA, and lies where nothing looks for it.", "Lora"),
]


@pytest.mark.parametrize(("place", "tensors", "belongs", "problem", "home"), MISPLACED)
def test_a_file_in_the_wrong_folder_is_moved_where_it_belongs(
    place: str, tensors: dict[str, torch.Tensor], belongs: str, problem: str, home: str, house: House
) -> None:
    path = house.put(place, tensors)
    path.with_suffix(".preview.png").write_bytes(b"picture")
    path.with_suffix(".json").write_text("{}")
    house.refresh()
    one = house.file(path.name)
    assert (one.belongs, one.problem, one.hint) == (belongs, problem, f"Move it to {home}.")
    assert house.stock.move(one.id) == f"{home}/{path.name}"
    house.wait()
    moved = house.file(path.name)
    assert (moved.kind, moved.problem, moved.folder, path.exists()) == (belongs, None, home, False)
    assert moved.path.with_suffix(".preview.png").exists()
    assert moved.path.with_suffix(".json").exists()
    assert house.changes == 1
    with pytest.raises(BadRequest, match="lies where it belongs"):
        house.stock.move(moved.id)


def test_a_move_never_writes_over_another_file(house: House) -> None:
    house.put("Stable-diffusion/x.safetensors", lora())
    there = house.put("Lora/x.safetensors", lora(1024))
    before = there.read_bytes()
    house.refresh()
    wrong = next(one for one in house.inventory.files() if one.belongs)
    with pytest.raises(BadRequest, match=r"Lora has a x\.safetensors already"):
        house.stock.move(wrong.id)
    assert (there.read_bytes(), wrong.path.exists()) == (before, True)


def test_a_model_that_no_family_here_can_use_is_said_to_be_so(house: House) -> None:
    house.put("Lora/flux.safetensors", {"lora_unet_double_blocks_0_img.lora_down.weight": half(16, 9)})
    house.put("Stable-diffusion/flux.safetensors", {"double_blocks.0.img_attn.norm.key_norm.scale": half(2)})
    house.put("Stable-diffusion/unet.safetensors", {"down_blocks.0.resnets.0.norm1.weight": half(2)})
    house.refresh()
    problems = {f"{one.folder}/{one.name}": one.problem for one in house.inventory.files()}
    assert problems["Lora/flux.safetensors"] == "It is for Flux, and no model of that family can be used."
    assert problems["Stable-diffusion/flux.safetensors"] == "It is a U-Net alone, and cannot be used here."
    assert problems["Stable-diffusion/unet.safetensors"] == "It is a U-Net alone, and cannot be used here."


def test_copies_are_found_by_hash_and_suspected_by_size(house: House) -> None:
    big = {f"{ATTENTION}.lora_down.weight": torch.zeros(4, 768), f"{ATTENTION}.lora_up.weight": torch.zeros(100_000, 4)}
    house.put("Lora/a.safetensors", big)
    house.put("Lora/sub/b.safetensors", big)
    house.put("Lora/c.safetensors", {**big, f"{ATTENTION}.lora_down.weight": torch.ones(4, 768)})
    house.refresh()
    first = house.file("a.safetensors")
    assert (first.same_as, sorted(first.maybe_same)) == ((), ["Lora/c.safetensors", "Lora/sub/b.safetensors"])
    house.stock.hash([])
    house.wait()
    assert (house.file("a.safetensors").same_as, house.file("a.safetensors").maybe_same) == (("Lora/sub/b.safetensors",), ())
    assert (house.file("c.safetensors").same_as, house.file("c.safetensors").maybe_same) == ((), ())
    assert house.stock.where(house.file("c.safetensors").sha256) == "Lora/c.safetensors"
    assert house.stock.where(None) is None


def test_a_file_is_thrown_away_with_what_belongs_to_it_and_taken_back(house: House) -> None:
    path = house.put("Lora/x.safetensors", lora())
    other = house.put("Lora/x.v2.safetensors", lora(1024))
    beside = [path.with_name(name) for name in ("x.json", "x.preview.png", "x.description.txt")]
    foreign = [path.with_name(name) for name in ("x.v2.json", "xy.json", "x.notes.docx")]
    for one in (*beside, *foreign):
        one.write_text("{}")
    house.refresh()
    trash = house.stock.throw(house.file("x.safetensors").id)
    assert not path.exists()
    assert not any(one.exists() for one in beside)
    assert other.exists()
    assert all(one.exists() for one in foreign)
    house.wait()
    assert [one.name for one in house.inventory.files()] == ["x.v2.safetensors"]  # nothing hidden is listed
    (thrown,) = house.stock.listing()["trash"]
    assert (thrown["id"], thrown["name"], thrown["folder"]) == (trash, "x.safetensors", "Lora")
    assert house.stock.restore(trash) == "Lora/x.safetensors"
    assert path.exists()
    assert all(one.exists() for one in beside)
    assert house.stock.listing()["trash"] == []


def test_what_is_thrown_away_is_not_put_back_over_another_file(house: House) -> None:
    path = house.put("Lora/x.safetensors", lora())
    house.refresh()
    trash = house.stock.throw(house.file("x.safetensors").id)
    path.write_bytes(b"new")
    with pytest.raises(BadRequest, match="already"):
        house.stock.restore(trash)
    assert path.read_bytes() == b"new"
    assert house.stock.empty(trash) > 1000
    assert list((house.models / ".trash").iterdir()) == []
    with pytest.raises(NotFound):
        house.stock.restore(trash)


def test_notes_in_the_trash_cannot_lead_out_of_the_models_folder(house: House) -> None:
    path = house.put("Lora/x.safetensors", lora())
    house.refresh()
    trash = house.stock.throw(house.file("x.safetensors").id)
    origin = house.models / ".trash" / trash / "origin.json"
    origin.write_text(json.dumps({"path": "../../outside/x.safetensors", "thrown": 0}))
    assert house.stock.listing()["trash"] == []
    with pytest.raises(NotFound):
        house.stock.restore(trash)
    for identifier in ("..", ".", "../..", trash + "/.."):
        with pytest.raises(NotFound):
            house.stock.empty(identifier)
    assert not path.exists()


def test_headers_are_read_once_as_long_as_files_stay_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        house.put(f"Lora/{number}.safetensors", lora(rank=number + 1))
    house.refresh()
    read: list[str] = []
    monkeypatch.setattr("modules.weights.inventory.contents", lambda path: read.append(path.name) or contents(path))
    house.look()
    assert (read, house.file("2.safetensors").details) == ([], ("rank 3", "fp16"))
    house.put("Lora/2.safetensors", lora(rank=9))
    house.refresh()
    assert (read, house.file("2.safetensors").details) == (["2.safetensors"], ("rank 9", "fp16"))
    (house.data / "models.json").write_text("[1, 2")
    house.look()
    assert len(read) == 4


def test_pictures_count_as_embeddings_only_where_they_show_no_model(house: House) -> None:
    house.put("embeddings/cat.pt", {"string_to_param": {"*": torch.zeros(2, 768)}})  # type: ignore[dict-item]
    for name in ("cat.png", "cat.preview.png", "dog.preview.png", "alone.png"):
        house.put(f"embeddings/{name}", b"\x89PNG\r\n\x1a\n")
    house.refresh()
    assert sorted(one.name for one in house.inventory.files()) == ["alone.png", "cat.pt"]


def test_details_say_what_the_header_says_and_the_listing_says_no_whole_path(house: House) -> None:
    house.put("Lora/x.safetensors", lora(), {"ss_tag_frequency": "x" * 9000, "ss_base_model_version": "sd_v1"})
    house.refresh()
    one = house.file("x.safetensors")
    details = house.stock.details(one.id)
    assert details["metadata"]["ss_base_model_version"] == "sd_v1"
    assert len(details["metadata"]["ss_tag_frequency"]) == 4000
    assert details["path"] == str(one.path)
    assert str(house.models) not in json.dumps(house.stock.listing())
    with pytest.raises(NotFound):
        house.stock.details("../x")


def test_five_thousand_files_are_listed_at_once_and_read_in_the_background(house: House) -> None:
    path = house.put("Lora/0.safetensors", lora())
    data = path.read_bytes()
    for number in range(1, 5000):
        (path.parent / f"{number}.safetensors").write_bytes(data)
    start = time.monotonic()
    house.inventory.refresh()
    listed = time.monotonic() - start
    start = time.monotonic()
    rows = house.inventory.files()
    asked = time.monotonic() - start
    assert (len(rows), house.inventory.pending > 0) == (5000, True)
    assert listed < 5
    assert asked < 5  # about 0.3 s and 0.1 s on the machine that this was written on
    house.wait()
    assert house.file("4999.safetensors").details == ("rank 8", "fp16")
