"""Text to the token numbers of CLIP's vocabulary. Radford et al. 2021, arXiv:2103.00020, section 2.4.

The 48,894 merges (`clip_vocabulary/merges.txt`) are CLIP's own, published by OpenAI; see the notice beside them.
"""

from functools import cache
from importlib.resources import files

import ftfy
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

START, END, COMMA = 49406, 49407, 267
PATTERN = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def byte_symbols() -> list[str]:
    """The printable character that stands for each of the 256 bytes, in the vocabulary's order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(256 - len(printable))]


@cache
def tokenizer() -> Tokenizer:
    """CLIP's byte-pair encoder, without padding, truncation, start and end."""
    text = files("modules.families").joinpath("clip_vocabulary/merges.txt").read_text("utf8")
    merges = [(left, right) for left, right in (line.split() for line in text.splitlines())]
    symbols = byte_symbols()
    words = [*symbols, *(symbol + "</w>" for symbol in symbols), *(left + right for left, right in merges)]
    vocabulary = {word: number for number, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    encoder = Tokenizer(models.BPE(vocabulary, merges, unk_token="<|endoftext|>", end_of_word_suffix="</w>", fuse_unk=False))
    encoder.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    encoder.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    encoder.decoder = decoders.BPEDecoder(suffix="</w>")
    return encoder


def encode(text: str) -> list[int]:
    """The token numbers of a text, any number of them. Broken encodings are mended first, as CLIP's own encoder does."""
    return tokenizer().encode(ftfy.fix_text(text), add_special_tokens=False).ids
