"""The networks that a prompt's tags name, put onto a model: LoRAs, hypernetworks, and the embeddings that come with them."""

import logging
from collections.abc import Sequence

from modules.contract.errors import BadRequest, NotFound
from modules.contract.services import ModelEntry
from modules.families.networks import Strength, Wanted
from modules.pipeline.run import Loaded, Run
from modules.prompts.tags import Tag
from modules.settings.groups import Settings
from modules.weights.catalogue import Catalogue
from modules.weights.embeddings import Embedding, EmbeddingFolders
from modules.weights.hashes import HashCache
from modules.weights.hypernetwork import Hypernetwork, read_hypernetwork
from modules.weights.network_store import NetworkStore

log = logging.getLogger(__name__)
LORA, HYPERNETWORK = ("lora", "lyco"), "hypernet"


class Networks:
    """Finds networks by name, reads each file once, and has a model work with exactly those that are wanted."""

    def __init__(self, loras: Catalogue, hypernetworks: Catalogue, embeddings: EmbeddingFolders, hashes: HashCache) -> None:
        self.loras = loras
        self.hypernetworks = hypernetworks
        self.embeddings = embeddings
        self.hashes = hashes
        self.store = NetworkStore()
        self.detours: dict[tuple[str, float], Hypernetwork] = {}  # those in use

    def use(self, run: Run, loaded: Loaded, tags: Sequence[Tag]) -> None:
        """Put the networks of some tags, and those of the settings, onto a model, in place of what was on it.

        A name that is not there is left out with a warning. Raises NotSupported for a file that does not fit, BadRequest for a
        strength that is no number.
        """
        tags = [*tags, *always(run.settings)]
        wanted = self.wanted(run, tags)
        matched = loaded.patches.applied(wanted, run.report.check)
        for match in matched:
            if match.name not in run.matched_networks:
                log.info("%s: %d of %d keys matched.", match.name, match.used, match.total)
            run.matched_networks[match.name] = {"keys": match.total, "matched": match.used}
            if match.warning:
                run.warn(match.warning)
        self.store.keep([one.network.path for one in wanted], further=run.settings.networks.kept)
        loaded.detours.applied(self.wanted_hypernetworks(run, tags))
        self.use_embeddings(loaded, [embedding for one in wanted for embedding in one.network.embeddings])

    def wanted(self, run: Run, tags: Sequence[Tag]) -> list[Wanted]:
        """The LoRAs of some tags with their strengths; notes their hashes for the infotext."""
        wanted: list[Wanted] = []
        for tag in tags:
            if tag.kind not in LORA or not tag.positional:
                continue
            entry = self.found(run, self.loras, tag.positional[0], "LoRA")
            if entry is None:
                continue
            strength = strength_of(tag)
            if run.weigh is not None:
                strength = run.weigh(tag, strength)
            wanted.append(Wanted(self.store.get(entry.path), strength.te, strength.unet, strength.rank, strength.blocks))
            if run.settings.networks.lora_hashes:
                name = tag.positional[0].replace(":", "").replace(",", "")
                run.network_hashes[name] = self.hashes.tensors_sha256(entry.path)[:12]
        return wanted

    def wanted_hypernetworks(self, run: Run, tags: Sequence[Tag]) -> list[tuple[Hypernetwork, float]]:
        """The hypernetworks of some tags with their strengths."""
        wanted: list[tuple[Hypernetwork, float]] = []
        kept: dict[tuple[str, float], Hypernetwork] = {}
        for tag in tags:
            if tag.kind != HYPERNETWORK or not tag.positional:
                continue
            entry = self.found(run, self.hypernetworks, tag.positional[0], "hypernetwork")
            if entry is None:
                continue
            key = (str(entry.path), entry.path.stat().st_mtime)
            kept[key] = self.detours.get(key) or read_hypernetwork(entry.path)
            wanted.append((kept[key], number(tag, tag.positional[1]) if len(tag.positional) > 1 else 1.0))
        self.detours = kept
        return wanted

    def found(self, run: Run, catalogue: Catalogue, name: str, kind: str) -> ModelEntry | None:
        """The file of a name; None, with a warning, if there is none: the picture is made without it, as in A1111."""
        try:
            return catalogue.find(name)
        except (NotFound, BadRequest) as error:
            run.warn(f"The {kind} '{name}' was left out. {error}")
            return None

    def use_embeddings(self, loaded: Loaded, bundled: Sequence[Embedding]) -> None:
        """Let a model's text encoders know the embeddings of the folders, and those that LoRAs brought along."""
        known = {embedding.name: embedding for embedding in (*bundled, *self.embeddings.embeddings())}  # a file of one's own counts
        names = [id(embedding) for embedding in known.values()]  # the very same ones: their vectors need not be compared
        if names != [id(embedding) for embedding in loaded.components.embeddings]:
            loaded.components.embeddings = tuple(known.values())

    def embedding_hash(self, loaded: Loaded, name: str, settings: Settings) -> str | None:
        """What the infotext shows as an embedding's hash; None if it shows none."""
        found = next((embedding for embedding in loaded.components.embeddings if embedding.name == name), None)
        wanted = settings.networks.bundled_hashes if found and found.bundled_in else settings.networks.embedding_hashes
        return found.shorthash if found and wanted else None


def always(settings: Settings) -> list[Tag]:
    """The tags that the settings add to every prompt."""
    chosen = (("lora", settings.networks.lora), (HYPERNETWORK, settings.networks.hypernetwork))
    return [Tag(kind, (name, "1.0"), {}) for kind, name in chosen if name not in ("", "None")]


def strength_of(tag: Tag) -> Strength:
    """What `<lora:name:te:unet:dyn>` says; te alone counts for both, and each may be named. Raises BadRequest."""
    given = dict(zip(("te", "unet", "dyn"), tag.positional[1:], strict=False)) | tag.named
    te = number(tag, given["te"]) if "te" in given else 1.0
    unet = number(tag, given["unet"]) if "unet" in given else te
    return Strength(te, unet, int(number(tag, given["dyn"])) if "dyn" in given else None)


def number(tag: Tag, text: str) -> float:
    """Raises BadRequest for what is no number."""
    try:
        return float(text)
    except ValueError:
        raise BadRequest(f"In <{tag.kind}:{':'.join(tag.positional)}> '{text}' is not a number.", "Write it as <lora:name:0.8>.") from None
