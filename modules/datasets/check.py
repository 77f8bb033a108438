"""What is wrong with a data set, before anything starts: what stops a training, what spoils it, what is merely worth knowing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from modules.contract.training import TrainingRequest
from modules.datasets import captions
from modules.datasets.buckets import Bucket, Rules, bucket_of, lost, table
from modules.datasets.duplicates import alike, identical
from modules.datasets.scan import Item, Scan

Level = Literal["red", "amber", "green"]
Action = Literal["drop", "rotate", "upscale", "encode", "caption", "utf8", "shorten", "dedupe", "mask", "unmask", "split", "crop"]

LEAST_SIDE = 64  # pixels: less shows nothing that could be learned
SMALL_SHARE = 0.5  # of its bucket's pixels, below which a picture is blurred by being enlarged
CHUNK = 75  # tokens that the text encoder reads at once
MOST_LOST = 0.25
FEW_PICTURES = 3
LONG_SIDES = 2.0  # a picture longer than its bucket by this is better split than cut
NAMES_SHOWN = 3

LABELS: dict[Action, str] = {
    "drop": "Put aside",
    "rotate": "Turn the files",
    "upscale": "Enlarge",
    "encode": "Write anew as PNG",
    "caption": "Caption",
    "utf8": "Write anew as UTF-8",
    "shorten": "Shorten",
    "dedupe": "Keep one of each",
    "mask": "Resize the mask",
    "unmask": "Put the mask aside",
    "split": "Split",
    "crop": "Crop",
}


@dataclass(frozen=True)
class Finding:
    """Something about some files, in a sentence. `files` are names of `Item`s, or of captions without a picture; `repairs` what helps.

    Red stops a training, amber spoils it, green is how the data are taken. `groups`: where files belong together, whole groups.
    """

    level: Level
    kind: str
    text: str
    files: tuple[str, ...] = ()
    repairs: tuple[Action, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Checked:
    """All findings, the gravest first, and how the pictures are trained on."""

    findings: tuple[Finding, ...]
    buckets: tuple[Bucket, ...]
    pictures: int
    shown: int

    @property
    def refused(self) -> bool:
        """Whether a training on this must not start."""
        return any(finding.level == "red" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """All of it, as the page and a run's folder take it."""
        buckets = [{"width": one.size.width, "height": one.size.height, **asdict(one)} for one in self.buckets]
        for one in buckets:
            del one["size"]
        findings = [
            {**asdict(one), "repairs": [{"action": action, "label": LABELS[action]} for action in one.repairs]} for one in self.findings
        ]
        return {"refused": self.refused, "pictures": self.pictures, "shown": self.shown, "findings": findings, "buckets": buckets}


@dataclass(frozen=True)
class Asked:
    """What the data are judged by. `count` gives the tokens of a text; None leaves lengths unjudged."""

    request: TrainingRequest
    rules: Rules
    batch: int
    count: Callable[[str], int] | None


def check(found: Scan, request: TrainingRequest, *, own: int, batch: int = 1, count_tokens: Callable[[str], int] | None = None) -> Checked:
    """Judge what was scanned for a training. `own`: the resolution that the checkpoint was made for, pixels."""
    asked = Asked(request, Rules.of(request.data, own), max(1, batch), count_tokens)
    trained = [item for item in found.usable if not item.held_out]
    buckets = table(trained, asked.rules)
    findings = [
        *files_that_fail(found),
        *too_few(found, trained),
        *sizes(found.usable, asked),
        *kinds(found.usable),
        *masks(found.usable, asked),
        *texts(found.usable, asked),
        *doubles(found.usable),
        *proportions(found.usable, buckets, asked),
        *lone_captions(found),
    ]
    order = ("red", "amber", "green")
    findings.sort(key=lambda finding: order.index(finding.level))
    return Checked(tuple(findings), tuple(buckets), len(trained), sum(bucket.shown for bucket in buckets))


def about(level: Level, kind: str, items: Sequence[Item], text: str, *repairs: Action) -> Iterator[Finding]:
    """A finding about some pictures, none if there are none. In `text`, {names} are some names and {are} is "is" or "are"."""
    if items:
        many = len(items) > 1
        words = {"{are}": "are" if many else "is", "{have}": "have" if many else "has", "{names}": named([item.short for item in items])}
        for mark, word in words.items():  # not by `format`: a trigger word in the text may have brackets
            text = text.replace(mark, word)
        yield Finding(level, kind, text, tuple(item.name for item in items), repairs)


def named(names: Sequence[str]) -> str:
    """Some names for a sentence."""
    shown = ", ".join(names[:NAMES_SHOWN])
    return f"{shown} and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else shown


def files_that_fail(found: Scan) -> Iterator[Finding]:
    """Files that cannot be opened."""

    def of(problem: str) -> list[Item]:
        return [item for item in found.items if item.problem == problem]

    yield from about("red", "empty file", of("empty file"), "{names} {have} no content at all.", "drop")
    yield from about("red", "not a picture", of("not a picture"), "{names} {are} no picture, whatever the name says.", "drop")
    yield from about("red", "damaged", of("damaged"), "{names} {are} damaged: only a part of the picture is there.", "drop")
    yield from about("red", "too large", of("too large"), "{names} {have} more pixels than can be opened (64 million).", "drop")
    yield from about("red", "outside", of("outside"), "{names} {are} no file of the folder but a link out of it, or to nothing.", "drop")
    yield from about("red", "not readable", of("not readable"), "{names} cannot be read; see to the rights of the file.", "drop")
    formats = "{names} {are} of a format that is not read here; PNG, JPEG, WEBP, GIF and AVIF are."
    yield from about("red", "other format", of("other format"), formats, "drop")


def too_few(found: Scan, trained: Sequence[Item]) -> Iterator[Finding]:
    """Whether there is anything to learn from."""
    where = named([str(root) for root in found.roots])
    if not found.items:
        text = f"There are no pictures in {where}." if found.roots else "No folder of pictures is given."
        yield Finding("red", "nothing", text)
    elif not trained:
        yield Finding("red", "nothing", f"None of the {len(found.items)} files in {where} can be trained on.")
    elif len(trained) < FEW_PICTURES:
        count = "is only 1 picture" if len(trained) == 1 else f"are only {len(trained)} pictures"
        yield Finding("amber", "few", f"There {count}, which will mostly be learned by heart.")


def sizes(items: Sequence[Item], asked: Asked) -> Iterator[Finding]:
    """Pictures that are too small for what they are brought to."""
    least = min(LEAST_SIDE, asked.rules.resolution)
    tiny = [item for item in items if min(item.size) < least]
    too_small = {item.name for item in tiny}
    yield from about("red", "tiny", tiny, "{names} {have} a side of less than " + f"{least} pixels.", "upscale", "drop")

    def enlarged(item: Item) -> bool:
        bucket = bucket_of(item.size, asked.rules)
        return item.size.width * item.size.height < SMALL_SHARE * bucket.width * bucket.height

    small = [item for item in items if item.name not in too_small and enlarged(item)]
    text = "{names} {have} less than half the pixels that {are} trained on, and would be blurred."
    yield from about("amber", "small", small, text, "upscale", "drop")


def kinds(items: Sequence[Item]) -> Iterator[Finding]:
    """Pictures that are not taken as they are."""
    moving = [item for item in items if item.facts.frames > 1]
    yield from about("amber", "animated", moving, "{names} {are} animated; only the first picture is trained on.", "encode", "drop")
    press = [item for item in items if item.facts.mode == "CMYK"]
    yield from about("amber", "cmyk", press, "{names} {have} colours for print (CMYK); on the screen they may look different.", "encode")
    turned = [item for item in items if item.facts.turned]
    yield from about("green", "sideways", turned, "{names} {are} stored sideways and turned upright by what EXIF says.", "rotate")
    clear = [item for item in items if item.facts.transparent]
    yield from about("green", "transparent", clear, "{names} {are} transparent and laid on the background colour.", "encode")


def masks(items: Sequence[Item], asked: Asked) -> Iterator[Finding]:
    """Masks that cannot be used, or do not fit."""
    level: Level = "red" if asked.request.data.masked == "mask files" else "amber"
    bad = [item for item in items if item.mask_facts and item.mask_facts.problem]
    yield from about(level, "mask damaged", bad, "The mask of {names} cannot be opened.", "unmask")
    other = [item for item in items if item.mask_facts and not item.mask_facts.problem and item.mask_size != item.size]
    yield from about(level, "mask size", other, "The mask of {names} has another size than the picture.", "mask", "unmask")
    if asked.request.data.masked == "mask files":
        without = [item for item in items if item.mask is None]
        yield from about("amber", "mask missing", without, "{names} {have} no mask and would count as a whole.")


def texts(items: Sequence[Item], asked: Asked) -> Iterator[Finding]:
    """Captions that are missing, empty, too long, or cannot be read."""
    data, trigger = asked.request.data, asked.request.trigger.strip()
    wrong = [item for item in items if item.encoding]
    guesses = " or ".join(sorted({item.encoding for item in wrong}))
    yield from about("red", "encoding", wrong, f"The caption of {{names}} is not UTF-8; it looks like {guesses}.", "utf8")
    empty = [item for item in items if item.caption == ""]
    yield from about("amber", "empty caption", empty, "The caption of {names} is empty.", "caption")
    yield from missing(items, asked)
    if asked.count is not None:
        count = asked.count
        long = [item for item in items if item.caption and count(with_trigger(item.caption, trigger, data.separator)) > CHUNK]
        text = f"The caption of {{names}} has more than {CHUNK} tokens, which is what the text encoder reads at once."
        yield from about("amber", "long caption", long, text, "shorten")
    told = [item for item in items if item.caption]
    if trigger and told and not any(trigger.casefold() in str(item.caption).casefold() for item in told):
        yield Finding("green", "trigger", f"No caption has the trigger word '{trigger}'; it is put in front of each.")


def missing(items: Sequence[Item], asked: Asked) -> Iterator[Finding]:
    """Pictures without a caption, and what they are called."""
    how, trigger = asked.request.data.missing_captions, asked.request.trigger.strip()
    without = [item for item in items if item.caption is None]
    if how == "refuse":
        yield from about("red", "no caption", without, "{names} {have} no caption.", "caption", "drop")
        return
    called = {"trigger": f"called '{trigger}'", "file name": "called by the file's name", "empty": "shown without words"}[how]
    if how == "trigger" and not trigger:
        nameless = [item for item in without if not item.words]
        yield from about("amber", "no caption", nameless, "{names} {have} no caption, and there is no trigger word to take.", "caption")
        without = [item for item in without if item.words]
        called = "called by the folder's name"
    # Some with and some without is mostly an oversight; all without is a choice.
    level: Level = "amber" if any(item.caption for item in items) else "green"
    yield from about(level, "no caption", without, f"{{names}} {{have}} no caption and {{are}} {called}.", "caption")


def with_trigger(caption: str, trigger: str, separator: str) -> str:
    """A caption as it is trained on."""
    return caption if not trigger or trigger.casefold() in caption.casefold() else captions.joined([trigger, caption], separator)


def doubles(items: Sequence[Item]) -> Iterator[Finding]:
    """Pictures that are there more than once, and those that look the same."""
    same = identical(items)
    yield from grouped("identical", same, "the same as another, byte for byte")
    copies = {item.name for group in same for item in ranked(group)[1:]}
    near = alike([item for item in items if item.name not in copies])
    yield from grouped("alike", near, "nearly the same as another")
    for group in [*same, *near]:
        if len({item.held_out for item in group}) > 1:
            names = named([item.short for item in group])
            text = f"{names} look the same and only some of them are held out, so that what was never trained on is known all the same."
            yield Finding("amber", "leak", text, tuple(item.name for item in group), ("dedupe",))


def grouped(kind: str, groups: Sequence[Sequence[Item]], text: str) -> Iterator[Finding]:
    """A finding about groups; its files are those that are one too many."""
    if groups:
        ordered = [ranked(group) for group in groups]
        further = [item for group in ordered for item in group[1:]]
        names = named([f"{one.short} (as {group[0].short})" for group in ordered for one in group[1:]])
        words = f"{len(further)} {'picture is' if len(further) == 1 else 'pictures are'} {text}: {names}."
        whole = tuple(tuple(item.name for item in group) for group in ordered)
        yield Finding("amber", kind, words, tuple(item.name for item in further), ("dedupe",), whole)


def ranked(group: Sequence[Item]) -> list[Item]:
    """Pictures that look the same, the one to keep first: the largest, then the one with most said about it, then by name."""
    return sorted(group, key=lambda item: (-item.size.width * item.size.height, -len(item.caption or ""), item.name))


def proportions(items: Sequence[Item], buckets: Sequence[Bucket], asked: Asked) -> Iterator[Finding]:
    """Pictures of which much is cut away, and sizes that few have."""
    long: list[Item] = []
    cut: list[Item] = []
    for item in items:
        bucket = bucket_of(item.size, asked.rules)
        if lost(item.size, bucket) > MOST_LOST:
            ratio, wanted = item.size.width / item.size.height, bucket.width / bucket.height
            (long if max(ratio / wanted, wanted / ratio) >= LONG_SIDES else cut).append(item)
    share = f"more than {MOST_LOST:.0%} of it would be cut away"
    yield from about("amber", "long", long, f"{{names}} {{are}} much longer than any bucket; {share}.", "split", "crop")
    yield from about("amber", "cut", cut, f"{{names}} {{have}} other proportions than any bucket; {share}.", "crop")
    if asked.batch > 1:
        few = [bucket for bucket in buckets if bucket.shown < asked.batch]
        if few:
            names = tuple(name for bucket in few for name in bucket.names)
            which = named([str(bucket.size) for bucket in few])
            yield Finding("green", "few in bucket", f"The buckets {which} have fewer pictures than a batch of {asked.batch}.", names)


def lone_captions(found: Scan) -> Iterator[Finding]:
    """Captions that belong to no picture."""
    if found.orphans:
        names = named([name.partition("/")[2] for name in found.orphans])
        yield Finding("green", "lone caption", f"There is no picture for {names}.", found.orphans, ("drop",))
