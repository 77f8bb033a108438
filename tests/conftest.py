"""For all tests: two threads, no network, nothing sent home."""

import os

import pytest

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] = "1"
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "2")

from modules.weights.spandrel import import_torchvision  # noqa: E402 - the variables above come first

import_torchvision()  # before any test imports diffusers or transformers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: on several cores, what takes minutes must not begin when all else has ended.

    Those with a browser run on one, and stay in the order of their names.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow") and not item.get_closest_marker("browser")}
    items.sort(key=lambda item: item.path not in slow)
