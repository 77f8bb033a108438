"""Which shelves of cards there are: LoRAs, embeddings, hypernetworks and checkpoints, each over its own list of models."""

from collections.abc import Callable, Sequence
from pathlib import Path

from modules.contract.errors import WebuiError
from modules.weights.card_facts import Facts, embedding_facts, hypernetwork_facts, lora_facts
from modules.weights.cards import Cards, Shelf
from modules.weights.catalogue import Catalogue, Listed
from modules.weights.embeddings import Embedding, EmbeddingFolders
from modules.weights.hashes import HashCache
from modules.weights.kinds import EMBEDDING

FamilyOf = Callable[[Path], str]


def card_shelves(
    *,
    loras: Catalogue,
    hypernetworks: Catalogue,
    checkpoints: Catalogue,
    vaes: Catalogue,
    embeddings: EmbeddingFolders,
    hashes: HashCache,
    cache: Path,
    family_of: FamilyOf,
    prefers_alias: Callable[[], bool] = lambda: False,
) -> dict[str, Cards]:
    """The cards by kind. `family_of` gives a checkpoint's family and raises a WebuiError for one that cannot be used."""

    def vae_names() -> Sequence[str]:
        vaes.refresh()
        return [entry.name for entry in vaes.entries()]

    shelves = {
        "lora": shelf_of(loras, lora_facts),
        "hypernetwork": shelf_of(hypernetworks, hypernetwork_facts),
        "embedding": EmbeddingShelf(embeddings).shelf(),
        "checkpoint": shelf_of(checkpoints, checkpoint_facts(family_of), title=title_in(checkpoints), vaes=vae_names),
    }
    return {kind: Cards(shelf, cache, hashes, prefers_alias) for kind, shelf in shelves.items()}


def shelf_of(
    catalogue: Catalogue,
    facts: Callable[[Path], Facts],
    *,
    title: Callable[[Listed], str] | None = None,
    vaes: Callable[[], Sequence[str]] = tuple,
) -> Shelf:
    """The shelf of a catalogue."""
    return Shelf(
        catalogue.kind, catalogue.folders, lambda: catalogue.found, catalogue.refresh, facts, remembered=True, title=title, vaes=vaes
    )


def title_in(catalogue: Catalogue) -> Callable[[Listed], str]:
    """What a model of a catalogue is chosen by."""

    def title(one: Listed) -> str:
        entry = catalogue.entry(one)
        return entry.title if entry else one.relative

    return title


def checkpoint_facts(family_of: FamilyOf) -> Callable[[Path], Facts]:
    """Reads the facts of checkpoints."""

    def facts(path: Path) -> Facts:
        try:
            return Facts(family_of(path))
        except WebuiError as error:
            return Facts(problem=str(error))

    return facts


class EmbeddingShelf:
    """The shelf of embeddings: the files that hold one, and those that should and cannot be used."""

    def __init__(self, embeddings: EmbeddingFolders) -> None:
        self.embeddings = embeddings
        self.known: object = None
        self.found: list[Listed] = []
        self.results: dict[Path, Embedding | WebuiError] = {}

    def shelf(self) -> Shelf:
        """What the cards need of it."""
        return Shelf(EMBEDDING, self.embeddings.folders, self.listed, self.embeddings.refresh, self.facts, name=self.name)

    def listed(self) -> list[Listed]:
        """The files in order; the same list until they were looked for again."""
        if self.known is not self.embeddings.read:
            self.known = self.embeddings.read
            self.results = {path: result for (path, _, _), result in self.embeddings.read.items() if result is not None}
            self.found = [Listed(self.relative(path), path) for path in self.results]
        return self.found

    def relative(self, path: Path) -> str:
        """A file's path from its folder on."""
        return next((path.relative_to(folder).as_posix() for folder in self.embeddings.folders if folder in path.parents), path.name)

    def facts(self, path: Path) -> Facts:
        """What was read of an embedding when the folders were looked at."""
        result = self.results[path]
        if isinstance(result, WebuiError):
            return Facts(problem=str(result))
        facts = embedding_facts(result)
        problem = self.embeddings.problems().get(path.name, "")
        return Facts(facts.family, hash=facts.hash, problem=problem)

    def name(self, one: Listed) -> str:
        """What prompts call it: the name inside a picture, else the file's."""
        result = self.results.get(one.path)
        return result.name if isinstance(result, Embedding) else one.path.stem
