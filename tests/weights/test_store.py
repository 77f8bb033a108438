"""Models in memory: how many stay, and that one which is let go is gone."""

import gc
import os
import sys
import weakref

import psutil
import pytest
import torch

from modules.weights.store import ModelStore, release, trim_heap


class Model:
    """A model that holds itself, as networks with hooks do: only the collector of cycles can free it."""

    def __init__(self, megabytes: float = 0.1) -> None:
        self.itself = self
        self.tensors = [torch.ones(2**18, dtype=torch.uint8) for _ in range(int(megabytes * 4))]


def test_the_ones_not_used_for_longest_are_let_go() -> None:
    store: ModelStore[Model] = ModelStore()
    one = store.get("a", Model, kept=2)
    store.get("b", Model, kept=2)
    assert store.get("a", Model, kept=2) is one
    store.get("c", Model, kept=2)
    assert store.loaded() == ["a", "c"]


def test_the_newest_is_the_one_used_last() -> None:
    store: ModelStore[Model] = ModelStore()
    assert store.newest() is None
    one = store.get("a", Model, kept=2)
    store.get("b", Model, kept=2)
    store.get("a", Model, kept=2)
    assert store.newest() is one


def test_a_model_that_is_let_go_is_gone_from_memory() -> None:
    store: ModelStore[Model] = ModelStore()
    gone = weakref.ref(store.get("a", Model, kept=1))
    gc.disable()
    try:
        store.get("b", Model, kept=1)
        assert gone() is None
    finally:
        gc.enable()


def test_clear_lets_all_go() -> None:
    store: ModelStore[Model] = ModelStore()
    gone = [weakref.ref(store.get(key, Model, kept=3)) for key in "abc"]
    store.clear()
    assert [one() for one in gone] == [None] * 3


def refused() -> Model:
    raise ValueError("not a model")


def test_a_model_that_fails_to_load_leaves_the_old_one() -> None:
    store: ModelStore[Model] = ModelStore()
    store.get("a", Model, kept=1)
    with pytest.raises(ValueError, match="not a model"):
        store.get("b", refused, kept=1)
    assert store.loaded() == ["a"]


def test_where_memory_holds_one_the_old_one_goes_first() -> None:
    store: ModelStore[Model] = ModelStore()
    gone = weakref.ref(store.get("a", Model, kept=1))
    alive: list[bool] = []

    def load() -> Model:
        alive.append(gone() is not None)
        return Model()

    store.get("b", load, kept=1, fits=False)
    assert alive == [False]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc keeps what is freed")
def test_switching_models_leaves_memory_as_it_was() -> None:
    process = psutil.Process(os.getpid())
    store: ModelStore[Model] = ModelStore()
    resident: list[float] = []
    for number in range(12):
        store.get(number, lambda: Model(megabytes=40), kept=1)
        resident.append(process.memory_info().rss / 2**20)
    assert resident[-1] - resident[2] < 8  # megabytes, after ten models of 40: what the C library keeps differs a little


def test_giving_back_twice_does_no_harm() -> None:
    release()
    trim_heap()
