"""What a link, a name, a hash or words lead to."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.downloads.connection import Refused, Unreachable
from modules.downloads.links import CivitaiModel, Direct, Fingerprint, Meaning, Repository, Words, meaning_of
from modules.downloads.offers import file_name, plain
from modules.downloads.sources import Preferences, Sources, Tokens
from tests.downloads.site import MODEL, REPOSITORY, VERSION, Site

MEANINGS: list[tuple[str, Meaning]] = [
    ("https://huggingface.co/artist/dunes", Repository("artist/dunes")),
    ("huggingface.co/artist/dunes", Repository("artist/dunes")),
    ("artist/dunes", Repository("artist/dunes")),
    ("https://huggingface.co/artist/dunes/blob/main/a%20b/x.safetensors", Repository("artist/dunes", "main", "a b/x.safetensors")),
    ("https://huggingface.co/artist/dunes/resolve/fp16/x.safetensors?download=true", Repository("artist/dunes", "fp16", "x.safetensors")),
    ("hf-mirror.com/artist/dunes/tree/main/vae", Repository("artist/dunes", "main", "vae")),
    ("https://civitai.com/models/4384/dunes-of-mars?modelVersionId=128713", CivitaiModel(4384, 128713)),
    ("civitai.com/models/4384", CivitaiModel(4384)),
    ("https://civitai.com/api/download/models/128713?type=Model&format=SafeTensor", CivitaiModel(version=128713)),
    ("urn:air:sdxl:checkpoint:civitai:827184@2514310", CivitaiModel(827184, 2514310)),
    ("a" * 63 + "1", Fingerprint("a" * 63 + "1")),
    ("554CE2A42C", Fingerprint("554ce2a42c")),
    ("https://example.org/x.safetensors", Direct("https://example.org/x.safetensors")),
    ("dune sea", Words("dune sea")),
    ("deadbeeffa", Words("deadbeeffa")),  # ten letters are a word rather than a hash
]


@pytest.mark.parametrize(("text", "meaning"), MEANINGS)
def test_a_text_means(text: str, meaning: Meaning) -> None:
    assert meaning_of(text) == meaning


@pytest.mark.parametrize(
    "text", ["https://huggingface.co/datasets/a/b", "https://huggingface.co/artist", "https://civitai.com/images/3", "", "x" * 3000]
)
def test_links_that_lead_to_no_model_are_said_to(text: str) -> None:
    with pytest.raises(BadRequest):
        meaning_of(text)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("a/b/../x.safetensors", "x.safetensors"),
        ("..\\..\\evil.ckpt", "evil.ckpt"),
        ("C:\\CON.pt", "_CON.pt"),
        ("x.SafeTensors", "x.safetensors"),
        ("näme🎨\n.pth", "näme🎨_.pth"),
        (".hidden.pt", "hidden.pt"),
        ("砂" * 200 + ".pt", "砂" * 60 + ".pt"),
    ],
)
def test_a_site_names_a_file_and_never_a_place(given: str, name: str) -> None:
    assert file_name(given) == name


@pytest.mark.parametrize("given", ["x.gguf", "x.exe", "x", ".safetensors/x.py", "x.zip", ""])
def test_other_kinds_of_files_are_refused(given: str) -> None:
    with pytest.raises(BadRequest, match="not a model file"):
        file_name(given)


def test_a_site_s_html_becomes_plain_words() -> None:
    assert plain("<p>Much <i>sand</i> &amp; sea</p><script>bad()</script><br>x") == "Much sand & sea\n\nx"


def test_a_repository_lists_its_model_files_with_size_hash_and_kind(site: Site, sources: Sources) -> None:
    (found,) = sources.find(f"{site.hub}/{REPOSITORY}").found
    assert (found.title, found.terms, found.downloads, found.gated) == (REPOSITORY, ("Licence: openrail",), 1234, False)
    offers = list(found.offers or [])
    assert [(one.name, one.kind, one.size) for one in offers] == [
        ("dunes-lora.safetensors", "lora", len(site.files["dunes-lora.safetensors"])),
        ("vae/dunes.vae.safetensors", "vae", 50_000),
    ]
    assert offers[0].sha256 == site.hash_of("dunes-lora.safetensors")
    assert offers[0].url == f"{site.hub}/{REPOSITORY}/resolve/main/dunes-lora.safetensors"


def test_a_link_to_one_file_offers_that_file(site: Site, sources: Sources) -> None:
    (found,) = sources.find(f"{site.hub}/{REPOSITORY}/blob/main/vae/dunes.vae.safetensors").found
    assert [one.name for one in found.offers or ()] == ["vae/dunes.vae.safetensors"]
    with pytest.raises(NotFound, match=r"There is no model file in 'notes\.txt'"):
        sources.find(f"{site.hub}/{REPOSITORY}/blob/main/notes.txt")
    with pytest.raises(NotFound, match="no revision 'old'"):
        sources.find(f"{site.hub}/{REPOSITORY}/tree/old")


def test_a_civitai_link_offers_the_version_with_all_that_is_worth_knowing(site: Site, sources: Sources) -> None:
    for text in (f"{site.bay}/models/{MODEL}", f"{site.bay}/api/download/models/{VERSION}", site.hash_of("dunes-lora.safetensors")):
        (found,) = sources.find(text).found
        assert (found.title, found.version, found.creator, found.kind, found.family) == ("Dunes of Mars", "v2", "artist", "lora", "SD 1.5")
        assert found.terms == ("For money one may: sell pictures.", "Its author must be named.")
        [offer] = found.offers or []
        assert (offer.name, offer.note, offer.kind) == ("dunes-lora.safetensors", "pruned, fp16", "lora")
        assert offer.sha256 == site.hash_of("dunes-lora.safetensors")
        assert offer.companions.words == "dune sea, red sand"
        assert offer.companions.picture == f"{site.bay}/picture.png"  # not the first, which is rated mature
        assert offer.companions.description == "Much sand."


def test_both_sites_are_searched_and_mature_models_are_left_out_unless_wanted(site: Site, sources: Sources) -> None:
    listing = sources.find("", site="civitai")
    assert ([one.title for one in listing.found], listing.hidden, listing.more) == (["Dunes of Mars"], 1, "12|34")
    assert sources.find("", site="civitai", more=listing.more).more == ""
    hub = sources.find("artist", site="huggingface", kind="lora")
    assert ([one.title for one in hub.found], hub.hidden) == ([REPOSITORY], 1)
    assert hub.found[0].offers is None  # its files are asked for by its link
    assert "filter=lora" in site.asked[-1].path
    grown = Sources(sources.tokens, lambda: Preferences(site.hub, site.bay, mature=True), seconds=5)
    assert [one.mature for one in grown.find("").found] == [False, True]
    assert "nsfw=true" in site.asked[-1].path
    assert grown.find(f"{site.bay}/models/{MODEL}").found[0].picture.endswith("hidden.png")


def test_a_direct_link_is_offered_only_over_https(sources: Sources) -> None:
    (found,) = sources.find("https://example.org/some/x.ckpt?sign=1").found
    [offer] = found.offers or []
    assert (found.site, offer.name, offer.pickled, offer.size) == ("example.org", "x.ckpt", True, None)
    with pytest.raises(NotSupported, match="only fetched over https"):
        sources.find("http://example.org/x.ckpt")
    with pytest.raises(BadRequest, match="not a model file"):
        sources.find("https://example.org/x.zip")
    with pytest.raises(BadRequest, match="not an address"):
        sources.find("https://name:word@example.org/x.ckpt")


def test_a_preview_is_made_small_here(site: Site, sources: Sources) -> None:
    (found,) = sources.find(f"{site.bay}/models/{MODEL}").found
    data = sources.thumbnail(found.key)
    assert data.startswith(b"\xff\xd8\xff")
    assert len(data) < 10_000
    with pytest.raises(NotFound):
        sources.thumbnail("another")


def test_a_site_that_is_not_there_is_said_to_be_out_of_reach(tmp_path: Path) -> None:
    closed = Sources(Tokens(tmp_path / "t"), lambda: Preferences("http://127.0.0.1:9", "http://127.0.0.1:9"), seconds=5)
    with pytest.raises(Unreachable, match=r"Hugging Face cannot be reached \(the connection was refused\)"):
        closed.find("artist/dunes")
    nameless = Sources(Tokens(tmp_path / "t"), lambda: Preferences(civitai="https://nothing.invalid"), seconds=5)
    with pytest.raises(Unreachable, match=r"Civitai cannot be reached \(no machine named nothing.invalid was found\)"):
        nameless.find("dunes")


@pytest.mark.parametrize(
    ("status", "words"), [(401, "asks for a login"), (403, "refuses this file"), (429, "is busy"), (500, "is out of order")]
)
def test_what_a_site_says_no_with_is_put_into_words(status: int, words: str, site: Site, sources: Sources) -> None:
    site.faults.statuses["/api/v1/models"] = [status]
    with pytest.raises(Refused, match=f"Civitai {words}"):
        sources.find("dunes")
    site.faults.statuses["/api/v1/models/"] = [404]
    with pytest.raises(NotFound, match="Civitai has no such model"):
        sources.find(f"{site.bay}/models/{MODEL}")


def test_a_token_goes_to_its_site_alone_and_is_kept_for_its_owner(site: Site, sources: Sources, tmp_path: Path) -> None:
    sources.tokens.set("civitai", " secret-word ")
    sources.find("dunes", site="civitai")
    assert site.asked[-1].headers["authorization"] == "Bearer secret-word"
    sources.find("artist", site="huggingface")
    assert "authorization" not in site.asked[-1].headers
    file = tmp_path / "tokens.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Tokens(file).get("civitai") == "secret-word"
    assert "secret" not in repr(sources.sites())
    sources.tokens.set("civitai", "")
    assert json.loads(file.read_text()) == {}
    with pytest.raises(BadRequest, match="not a token"):
        sources.tokens.set("civitai", "two words\r\nHost: evil")


def test_a_search_that_is_long_ago_is_forgotten(sources: Sources) -> None:
    first = sources.find("dunes").found[0]
    sources.offered.most = 2
    for _ in range(3):
        sources.find("dunes")
    with pytest.raises(NotFound, match="too long ago"):
        sources.offered.model(first.key)
    with pytest.raises(NotFound, match="too long ago"):
        sources.offered.file(next(iter(first.offers or [])).key)
    assert replace(first, key="x").title == "Dunes of Mars"
