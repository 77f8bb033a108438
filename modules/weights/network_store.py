"""The network files in memory: those in use, and a few further ones."""

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from modules.weights.lora import Network, read_network


class NetworkStore:
    """Network files by path, read again when the file has changed. Only the worker thread uses it."""

    def __init__(self) -> None:
        self.networks: OrderedDict[Path, Network] = OrderedDict()

    def get(self, path: Path) -> Network:
        """The network of a file. Raises BadModel; FileNotFoundError when it is gone."""
        known = self.networks.get(path)
        if known is None or known.modified != path.stat().st_mtime_ns:
            self.networks[path] = read_network(path)
        self.networks.move_to_end(path)
        return self.networks[path]

    def keep(self, in_use: Iterable[Path], *, further: int) -> None:
        """Let go of all but those in use and the `further` ones used last."""
        used = set(in_use)
        others = [path for path in self.networks if path not in used]
        for path in others[: max(len(others) - further, 0)]:
            del self.networks[path]
