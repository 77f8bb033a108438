"""The hashes that a trained file carries of itself, under kohya's names and modelspec's."""

import hashlib
from collections.abc import Mapping

from torch import Tensor

from modules.weights.hashes import LEGACY_LENGTH, LEGACY_START
from modules.weights.header import TensorInfo
from modules.weights.writing import NAMES, beginning, raw


def with_hashes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, str]:
    """Some metadata and the hashes of a file with these tensors: of all behind its header, which further metadata do not change.

    The old one is of 64 KiB at 1 MiB of the file as it is with its `ss_` texts alone, as kohya's programs compute it.
    """
    infos = {name: TensorInfo(NAMES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors.items()}
    header, order = beginning(infos, {key: text for key, text in metadata.items() if key.startswith("ss_")})
    whole = hashlib.sha256()
    window = bytearray(header[LEGACY_START:])
    place = len(header)
    for name in order:
        block = raw(name, infos[name], tensors[name])
        whole.update(block)
        if place < LEGACY_START + LEGACY_LENGTH and place + len(block) > LEGACY_START:
            window += block[max(LEGACY_START - place, 0) :]
        place += len(block)
    legacy = hashlib.sha256(window[:LEGACY_LENGTH]).hexdigest()[:8]
    found = {**metadata, "sshs_model_hash": whole.hexdigest(), "sshs_legacy_hash": legacy}
    if "modelspec.sai_model_spec" in metadata:
        found["modelspec.hash_sha256"] = "0x" + whole.hexdigest()
    return found
