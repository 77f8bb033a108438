"""What a training is asked for while it runs: by files in its folder, by the clock, by the system's wish that it ends."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntFlag
from types import FrameType

from modules.training.runs.run_folder import Asked, RunFolder


class Wish(IntFlag):
    """Several at once; as a number all processes can be told."""

    NOTHING = 0
    STOP = 1
    PAUSE = 2
    SAMPLE = 4
    SAVE = 8

    @property
    def ends(self) -> bool:
        """Whether the training is to end here."""
        return bool(self & (Wish.STOP | Wish.PAUSE))


WORDS: dict[Asked, Wish] = {"stop": Wish.STOP, "pause": Wish.PAUSE, "sample": Wish.SAMPLE, "save": Wish.SAVE}


class Control:
    """Hears what is asked. `save_after`: seconds after which a state is wished for by itself; 0: never."""

    def __init__(self, folder: RunFolder, save_after: float) -> None:
        self.folder, self.save_after = folder, save_after
        self.terminated = False
        self.saved = time.monotonic()

    def wishes(self) -> Wish:
        """All that is asked for now."""
        wishes = Wish.STOP if self.terminated else Wish.NOTHING
        for word, wish in WORDS.items():
            if self.folder.asked(word):
                wishes |= wish
        if self.save_after and time.monotonic() - self.saved > self.save_after:
            wishes |= Wish.SAVE
        return wishes

    def answered(self, wishes: Wish) -> None:
        """They have been fulfilled."""
        for word, wish in WORDS.items():
            if wishes & wish:
                self.folder.answered(word)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While it lasts, SIGTERM is the wish to stop. Signals reach a process's main thread only; on others nothing changes."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self.terminate)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def terminate(self, number: int, frame: FrameType | None) -> None:
        """The system's wish."""
        self.terminated = True
