"""What a person may set for tag completion."""

from typing import Literal

from modules.plugins import Choice, Number, Options, Slider, Text, Toggle

KEYS = (
    '{"up": "ArrowUp", "down": "ArrowDown", "page_up": "PageUp", "page_down": "PageDown", "first": "Home", "last": "End",'
    ' "choose": "Enter", "choose_first": "Tab", "close": "Escape"}'
)
FACES = "0_0, (o)_(o), +_+, +_-, ._., <o>_<o>, <|>_<|>, =_=, >_<, 3_3, 6_9, >_o, @_@, ^_^, o_o, u_u, x_x, |_|, ||_||, -_-, ;_;, T_T"
COLORS = "{}"


class Settings(Options):
    """The page of the Settings tab."""

    active: bool = Toggle(True, "Offer tags while a prompt is typed")
    in_txt2img: bool = Toggle(True, "In txt2img")
    in_img2img: bool = Toggle(True, "In img2img")
    in_negative: bool = Toggle(True, "In negative prompts")
    in_others: bool = Toggle(True, "In the styles and in the boxes of extensions")
    off_for: str = Text("", "Off for these checkpoints", help="Parts of their names, with commas between them.")
    only_for: str = Text("", "Only for these checkpoints", help="Parts of their names, with commas between them. Empty: for all.")
    most: int = Slider(100, 1, 1000, "Most entries in the list")
    shown: int = Slider(8, 3, 30, "Entries shown at once")
    delay: int = Slider(40, 0, 1000, "Wait before the list shows", step=10, help="Milliseconds after the last key.")
    sort: Literal["count", "alphabet", "length"] = Choice("count", "Order of the entries")
    used_first: bool = Toggle(True, "What you use often comes first", help="Counted in a file of this machine, frequency.json.")
    used_least: int = Slider(3, 1, 50, "Counts from this many uses on")
    used_days: int = Slider(30, 0, 365, "Forgets what was not used for this many days", help="0: never.")
    used_most: int = Slider(1000, 10, 10000, "Most tags that are counted", step=10)
    bundled: bool = Toggle(True, "Use the list that comes along")
    files: str = Text("", "Only these of your lists", help="Names of files of your lists, with commas between them. Empty: all.")
    aliases: Literal["on", "off", "only"] = Choice("on", "Find tags by their other names")
    translations: bool = Toggle(True, "Find tags in other languages", help="Chinese and Japanese, also by the initials of the pinyin.")
    language: Literal["zh", "ja", "ko", "de", "fr", "es", "ru", "none"] = Choice("zh", "Language shown beside a tag")
    explicit: bool = Toggle(False, "Offer explicit tags")
    underscores: bool = Toggle(True, "Put blanks in place of underscores")
    underscores_kept: str = Text(FACES, "Except in these tags", help="With commas between them.")
    parentheses: bool = Toggle(True, "Put a backslash before parentheses")
    comma: bool = Toggle(True, "Put a comma behind a tag")
    space: bool = Toggle(True, "Put a blank behind the comma")
    networks: bool = Toggle(True, "Offer LoRAs and hypernetworks behind <")
    trigger_words: bool = Toggle(True, "Put a LoRA's trigger words behind it")
    network_weight: float = Number(1.0, "Weight of a LoRA that has none of its own")
    embeddings: bool = Toggle(True, "Offer embeddings behind <")
    plain_embeddings: bool = Toggle(True, "Offer embeddings among the tags")
    wildcards: bool = Toggle(True, "Offer wildcards behind __")
    styles: bool = Toggle(True, "Offer styles behind $")
    chants: bool = Toggle(True, "Offer chants behind <c:")
    previews: bool = Toggle(True, "Show the pictures of LoRAs and embeddings")
    counts: bool = Toggle(True, "Show how often a tag is used", help="Only lists of your own say that.")
    colored: bool = Toggle(True, "Colours by the kind of a tag")
    colors: str = Text(COLORS, "Colours of your own", help='By the kind\'s number, as in {"4": "#2e8b57", "1": "crimson"}.')
    wiki: str = Text("", "Address of a wiki", help="With {tag} where the tag belongs. A button beside each tag opens it. Empty: none.")
    keys: str = Text(KEYS, "Keys", help="By what they do. A key may be empty: then nothing does it.")
