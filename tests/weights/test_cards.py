"""The cards of models: what they show, what is written on them, and that they stay fresh."""

import base64
import io
import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.weights import kinds
from modules.weights.card_facts import training_tags
from modules.weights.card_shelves import card_shelves
from modules.weights.cards import Cards
from modules.weights.catalogue import Catalogue
from modules.weights.embeddings import EmbeddingFolders
from modules.weights.files import write_tensors
from modules.weights.hashes import HashCache

ATTENTION = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"


def write_lora(path: Path, metadata: dict[str, str] | None = None, *, width: int = 768, missing: int = 0, module: str = ATTENTION) -> Path:
    """A LoRA of one module."""
    size = 2 * width
    header: dict[str, Any] = {f"{module}.lora_down.weight": {"dtype": "F16", "shape": [1, width], "data_offsets": [0, size]}}
    if metadata:
        header = {"__metadata__": metadata, **header}
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(size - missing))
    return path


def png(color: str = "red", size: tuple[int, int] = (8, 12), infotext: str = "") -> bytes:
    chunks = PngInfo()
    if infotext:
        chunks.add_text("parameters", infotext)
    data = io.BytesIO()
    Image.new("RGB", size, color).save(data, "PNG", pnginfo=chunks)
    return data.getvalue()


class Shelves:
    """Shelves over a folder of models of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.alias = False
        for name in ("Lora", "hypernetworks", "Stable-diffusion", "VAE", "embeddings"):
            (folder / name).mkdir(exist_ok=True)
        self.hashes = HashCache(folder / "hashes.json")
        self.cards = self.again()

    def again(self) -> dict[str, Cards]:
        """As after a restart."""

        def catalogue(name: str, kind: kinds.Kind) -> Catalogue:
            return Catalogue([self.folder / name], [], self.hashes, kind=kind)

        def family_of(path: Path) -> str:
            if "broken" in path.name:
                raise BadRequest("It is broken.")
            return "sdxl"

        return card_shelves(
            loras=catalogue("Lora", kinds.LORA),
            hypernetworks=catalogue("hypernetworks", kinds.HYPERNETWORK),
            checkpoints=catalogue("Stable-diffusion", kinds.CHECKPOINT),
            vaes=catalogue("VAE", kinds.VAE),
            embeddings=EmbeddingFolders([self.folder / "embeddings"]),
            hashes=self.hashes,
            cache=self.folder / "cache",
            family_of=family_of,
            prefers_alias=lambda: self.alias,
        )

    def listed(self, kind: str = "lora") -> dict[str, dict[str, Any]]:
        return {card["key"]: dict(card) for card in self.cards[kind].listing().cards}


@pytest.fixture
def shelves(tmp_path: Path) -> Shelves:
    return Shelves(tmp_path)


@pytest.fixture
def lora(shelves: Shelves) -> Path:
    return write_lora(shelves.folder / "Lora" / "ink" / "line.safetensors", {"ss_output_name": "Line", "ss_base_model_version": "sd_v1.5"})


def test_a_card_tells_of_its_file(shelves: Shelves, lora: Path) -> None:
    card = shelves.listed()["ink/line.safetensors"]
    assert (card["name"], card["family"], card["alias"], card["size"]) == ("line", "sd1", "Line", lora.stat().st_size)
    assert card["modified"] == int(lora.stat().st_mtime) and "problem" not in card and "picture" not in card


@pytest.mark.parametrize(
    ("metadata", "width", "module", "family"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0"}, 768, ATTENTION, "sdxl"),
        ({"ss_v2": "True"}, 768, ATTENTION, "sd2"),
        ({"ss_v2": "False"}, 1024, ATTENTION, "sd2"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, 768, ATTENTION, "sdxl"),
        ({"ss_base_model_version": "flux1"}, 768, ATTENTION, "other"),
        (None, 768, ATTENTION, "sd1"),
        (None, 1024, ATTENTION, "sd2"),
        (None, 2048, ATTENTION, "sdxl"),
        (None, 768, "lora_unet_double_blocks_0_img_attn_qkv", "other"),
        (None, 768, "lora_te2_text_model_encoder_layers_0_mlp_fc1", "sdxl"),
        (None, 320, "lora_unet_something", ""),
    ],
)
def test_the_family_is_what_the_file_says_or_what_its_shapes_give_away(
    shelves: Shelves, metadata: dict[str, str] | None, width: int, module: str, family: str
) -> None:
    write_lora(shelves.folder / "Lora" / "a.safetensors", metadata, width=width, module=module)
    assert shelves.listed()["a.safetensors"].get("family", "") == family


def test_a_lora_in_a_pickle_has_a_family_too(shelves: Shelves) -> None:
    torch.save({f"{ATTENTION}.lora_down.weight": torch.zeros(1, 1024)}, shelves.folder / "Lora" / "old.pt")
    assert shelves.listed()["old.pt"]["family"] == "sd2"


def test_damaged_files_say_what_is_wrong(shelves: Shelves) -> None:
    folder = shelves.folder / "Lora"
    write_lora(folder / "cut.safetensors", missing=10)
    (folder / "page.safetensors").write_text("<!doctype html><html>Log in</html>", "utf8")
    (folder / "page.pt").write_text("<!doctype html><html>Log in</html>", "utf8")
    cards = shelves.listed()
    assert "10 bytes are missing at its end" in cards["cut.safetensors"]["problem"]
    assert "web page" in cards["page.safetensors"]["problem"] and "web page" in cards["page.pt"]["problem"]


def test_a_persons_notes_are_on_the_card(shelves: Shelves, lora: Path) -> None:
    notes = {"description": "Thin lines", "activation text": "inkline", "preferred weight": 0.75, "negative text": "blur"}
    notes["sd version"] = "SDXL"
    lora.with_suffix(".json").write_text(json.dumps(notes), "utf8")
    card = shelves.listed()["ink/line.safetensors"]
    assert (card["description"], card["activation"], card["weight"], card["negative"]) == ("Thin lines", "inkline", 0.75, "blur")
    assert card["family"] == "sdxl"


def test_a_text_file_describes_where_the_notes_do_not(shelves: Shelves, lora: Path) -> None:
    lora.with_suffix(".txt").write_text("From a text", "utf8")
    assert shelves.listed()["ink/line.safetensors"]["description"] == "From a text"
    shelves.cards["lora"].write_notes("ink/line.safetensors", {"description": ""})
    assert "description" not in shelves.listed()["ink/line.safetensors"], "an emptied description stays empty, as in A1111"


def test_notes_are_written_beside_those_of_other_programs(shelves: Shelves, lora: Path) -> None:
    file = lora.with_suffix(".json")
    file.write_text(json.dumps({"modelId": 4, "notes": "old"}), "utf8")
    shelves.cards["lora"].write_notes("ink/line.safetensors", {"notes": "neu ♥", "preferred weight": 0.5})
    assert json.loads(file.read_text("utf8")) == {"modelId": 4, "notes": "neu ♥", "preferred weight": 0.5}
    assert shelves.listed()["ink/line.safetensors"]["weight"] == 0.5


@pytest.mark.parametrize("text", ["[1, 2]", "{damaged", "\0"])
def test_what_is_no_table_of_notes_is_never_written_over(shelves: Shelves, lora: Path, text: str) -> None:
    file = lora.with_suffix(".json")
    file.write_text(text, "utf8")
    with pytest.raises(NotSupported, match=r"line\.json"):
        shelves.cards["lora"].write_notes("ink/line.safetensors", {"notes": "x"})
    assert file.read_text("utf8") == text
    assert shelves.listed()["ink/line.safetensors"]["name"] == "line"


def test_a_new_file_is_there_at_the_next_list_and_a_deleted_one_is_gone(shelves: Shelves, lora: Path) -> None:
    first = shelves.cards["lora"].listing()
    assert shelves.cards["lora"].listing() is first, "nothing changed, so nothing was made anew"
    write_lora(shelves.folder / "Lora" / "fresh" / "new.safetensors")
    assert set(shelves.listed()) == {"ink/line.safetensors", "fresh/new.safetensors"}
    lora.unlink()
    assert set(shelves.listed()) == {"fresh/new.safetensors"}


def test_a_file_that_somebody_asked_for_before_the_list_did_is_in_the_next_list(shelves: Shelves, lora: Path) -> None:
    shelves.listed()
    write_lora(shelves.folder / "Lora" / "new.safetensors")
    assert shelves.cards["lora"].details("new.safetensors")["name"] == "new"
    assert "new.safetensors" in shelves.listed()


def test_notes_too_long_to_be_read_are_never_written_over(shelves: Shelves, lora: Path) -> None:
    file = lora.with_suffix(".json")
    file.write_text(json.dumps({"a": "x" * 2**20}), "utf8")
    with pytest.raises(NotSupported):
        shelves.cards["lora"].write_notes("ink/line.safetensors", {"notes": "x"})
    assert file.stat().st_size > 2**20


def test_a_file_that_was_replaced_is_read_again(shelves: Shelves, lora: Path) -> None:
    assert shelves.listed()["ink/line.safetensors"]["family"] == "sd1"
    write_lora(lora, {"ss_base_model_version": "sdxl_base_v1-0"})
    os.utime(lora, ns=(1, 10**9))
    assert shelves.listed()["ink/line.safetensors"]["family"] == "sdxl"


def test_what_was_read_outlives_the_program_and_a_damaged_memory_does_no_harm(shelves: Shelves, lora: Path) -> None:
    shelves.listed()
    facts = lora.stat()
    lora.write_bytes(bytes(facts.st_size))
    os.utime(lora, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    shelves.cards = shelves.again()
    assert shelves.listed()["ink/line.safetensors"]["family"] == "sd1", "the file was not opened again"
    (shelves.folder / "cache" / "lora.json").write_text('{"version": 1, "files": {"x": [1, {"nope": 2}]}}', "utf8")
    shelves.cards = shelves.again()
    assert "problem" in shelves.listed()["ink/line.safetensors"]


def test_two_files_of_one_name_are_told_apart_by_their_folders(shelves: Shelves, lora: Path) -> None:
    write_lora(shelves.folder / "Lora" / "line.safetensors")
    tags = {key: card.get("tag", card["name"]) for key, card in shelves.listed().items()}
    assert tags == {"ink/line.safetensors": "ink/line", "line.safetensors": "line"}


def test_the_alias_is_used_where_it_means_one_file_only(shelves: Shelves, lora: Path) -> None:
    shelves.alias = True
    assert shelves.listed()["ink/line.safetensors"]["tag"] == "Line"
    write_lora(shelves.folder / "Lora" / "other.safetensors", {"ss_output_name": "Line"})
    assert "tag" not in shelves.listed()["ink/line.safetensors"]


def test_training_tags_are_counted_over_all_data_sets() -> None:
    table = {"ss_tag_frequency": json.dumps({"1_a": {"cat": 3, " hat ": 9}, "2_b": {"cat": 7, "x": "y"}, "c": 4})}
    assert training_tags(table) == [("cat", 10), ("hat", 9)]
    assert training_tags({"ss_tag_frequency": "[" * 9999}) == []


def test_details_hold_tags_metadata_and_notes(shelves: Shelves) -> None:
    tags = json.dumps({"1_a": {"cat": 3}})
    write_lora(shelves.folder / "Lora" / "a.safetensors", {"ss_tag_frequency": tags, "ssmd_cover_images": "[]", "ss_network_dim": "8"})
    details = shelves.cards["lora"].details("a.safetensors")
    assert details["tags"] == [("cat", 3)] and details["metadata"] == {"ss_tag_frequency": tags, "ss_network_dim": "8"}
    assert details["path"] == str(shelves.folder / "Lora" / "a.safetensors")


@pytest.mark.parametrize("key", ["no.safetensors", "../Stable-diffusion/x.safetensors", "/etc/passwd", "ink", "", "ink/line.json", "a\0b"])
def test_only_what_the_list_names_is_found(shelves: Shelves, lora: Path, key: str) -> None:
    for call in (shelves.cards["lora"].details, shelves.cards["lora"].picture):
        with pytest.raises(NotFound):
            call(key)
    with pytest.raises(NotFound):
        shelves.cards["lora"].set_picture(key, png())


def test_a_picture_is_set_and_the_infotext_in_it_stays(shelves: Shelves, lora: Path) -> None:
    cards = shelves.cards["lora"]
    with pytest.raises(NotFound):
        cards.picture("ink/line.safetensors")
    cards.set_picture("ink/line.safetensors", png(infotext="a cat"))
    file = lora.with_name("line.preview.png")
    assert cards.picture("ink/line.safetensors") == file
    with Image.open(file) as image:
        assert image.info["parameters"] == "a cat"
    first = shelves.listed()["ink/line.safetensors"]["picture"]
    os.utime(file, ns=(1, 10**9))
    assert shelves.listed()["ink/line.safetensors"]["picture"] != first


def test_a_picture_is_made_as_small_as_is_asked_and_keeps_its_infotext(shelves: Shelves, lora: Path) -> None:
    cards, data = shelves.cards["lora"], io.BytesIO()
    text = PngInfo()
    text.add_text("parameters", "a cat")
    Image.new("RGB", (900, 600), "red").save(data, "PNG", pnginfo=text)
    cards.set_picture("ink/line.safetensors", data.getvalue(), 300)
    with Image.open(lora.with_name("line.preview.png")) as image:
        assert image.size == (300, 200) and image.info["parameters"] == "a cat"
    small = png(infotext="a cat")
    cards.set_picture("ink/line.safetensors", small, 300)
    assert lora.with_name("line.preview.png").read_bytes() == small


def test_a_new_picture_takes_the_place_of_the_one_that_was_shown(shelves: Shelves, lora: Path) -> None:
    cards = shelves.cards["lora"]
    lora.with_suffix(".jpg").write_bytes(b"old")
    assert cards.picture("ink/line.safetensors").name == "line.jpg"
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "blue").save(data, "JPEG")
    cards.set_picture("ink/line.safetensors", data.getvalue())
    assert cards.picture("ink/line.safetensors").name == "line.preview.png"
    lora.with_suffix(".png").write_bytes(png())
    cards.set_picture("ink/line.safetensors", png("green"))
    assert lora.with_suffix(".png").read_bytes() == png("green")


def test_what_is_no_picture_leaves_the_old_one(shelves: Shelves, lora: Path) -> None:
    lora.with_suffix(".png").write_bytes(png())
    with pytest.raises(BadRequest):
        shelves.cards["lora"].set_picture("ink/line.safetensors", b"\x89PNG\r\n\x1a\n and no more")
    assert lora.with_suffix(".png").read_bytes() == png()


def test_a_picture_that_the_file_brings_along_is_unpacked(shelves: Shelves) -> None:
    covers = json.dumps([base64.b64encode(png()).decode()])
    write_lora(shelves.folder / "Lora" / "a.safetensors", {"ssmd_cover_images": covers})
    assert "picture" in shelves.listed()["a.safetensors"]
    assert shelves.cards["lora"].picture("a.safetensors").read_bytes() == png()


def test_hashes_that_are_known_are_shown(shelves: Shelves, lora: Path) -> None:
    assert "hashes" not in shelves.listed()["ink/line.safetensors"]
    tensors, file = shelves.hashes.tensors_sha256(lora), shelves.hashes.sha256(lora)
    assert shelves.listed()["ink/line.safetensors"]["hashes"] == [tensors, file]


def test_embeddings_have_families_problems_and_pictures(shelves: Shelves) -> None:
    folder = shelves.folder / "embeddings"
    (folder / "xl").mkdir()
    write_tensors(folder / "style.safetensors", {"emb_params": torch.zeros(2, 768)})
    write_tensors(folder / "xl" / "big.safetensors", {"clip_l": torch.zeros(2, 768), "clip_g": torch.zeros(2, 1280)})
    (folder / "broken.safetensors").write_bytes(bytes(40))
    (folder / "style.png").write_bytes(png())
    cards = shelves.listed("embedding")
    families = {key: card.get("family", "") for key, card in cards.items()}
    assert families == {"style.safetensors": "sd1", "xl/big.safetensors": "sdxl", "broken.safetensors": ""}
    assert "cannot be used" in cards["broken.safetensors"]["problem"] and "picture" in cards["style.safetensors"]


def test_an_embedding_in_a_picture_goes_by_its_own_name_and_is_never_written_over(shelves: Shelves) -> None:
    inside = {"name": "ink-style", "string_to_param": {"*": {"TORCHTENSOR": [[0.0] * 768]}}}
    chunks = PngInfo()
    chunks.add_text("sd-ti-embedding", base64.b64encode(json.dumps(inside).encode()).decode())
    file = shelves.folder / "embeddings" / "style.png"
    Image.new("RGB", (8, 8)).save(file, pnginfo=chunks)
    before = file.read_bytes()
    assert shelves.listed("embedding")["style.png"]["name"] == "ink-style"
    cards = shelves.cards["embedding"]
    assert cards.picture("style.png") == file, "it shows itself"
    cards.set_picture("style.png", png())
    assert file.read_bytes() == before and cards.picture("style.png").name == "style.preview.png"
    assert set(shelves.listed("embedding")) == {"style.png"}


def test_checkpoints_have_titles_and_say_what_is_wrong(shelves: Shelves) -> None:
    for name in ("photo", "broken"):
        (shelves.folder / "Stable-diffusion" / f"{name}.safetensors").write_bytes(b"x")
    (shelves.folder / "VAE" / "fine.safetensors").write_bytes(b"x")
    shelves.hashes.sha256(shelves.folder / "Stable-diffusion" / "photo.safetensors")
    cards = shelves.listed("checkpoint")
    assert cards["photo.safetensors"]["title"].startswith("photo.safetensors [") and cards["photo.safetensors"]["family"] == "sdxl"
    assert cards["broken.safetensors"]["problem"] == "It is broken."
    assert shelves.cards["checkpoint"].details("photo.safetensors")["vaes"] == ["fine.safetensors"]


def test_hypernetworks_have_a_family(shelves: Shelves) -> None:
    torch.save({1024: ({"a": torch.zeros(1)}, {"a": torch.zeros(1)}), 320: ()}, shelves.folder / "hypernetworks" / "h.pt")
    torch.save({"x": torch.zeros(1)}, shelves.folder / "hypernetworks" / "none.pt")
    cards = shelves.listed("hypernetwork")
    assert cards["h.pt"]["family"] == "sd2" and "not a hypernetwork" in cards["none.pt"]["problem"]


def test_a_list_never_waits_for_all_files_to_be_read(shelves: Shelves, lora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modules.weights.cards.PATIENCE", -1.0)
    listing = shelves.cards["lora"].listing()
    assert listing.unread == 1 and listing.cards[0]["name"] == "line" and "family" not in listing.cards[0]
    monkeypatch.undo()
    assert shelves.cards["lora"].listing().unread == 0
