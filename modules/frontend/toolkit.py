"""Gradio as the rest of this package imports it: without telemetry, and without the stub files it would write at each start."""

import html
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_stub_files() -> Iterator[None]:
    """Keep Gradio from writing a .pyi file for each of its components while it is imported.

    It asks `inspect` for the source file of each class and leaves the step out where there is none. The step takes more than
    half of the import's time, and fails where the packages are read-only.
    """
    real: Callable[[Any], str] = inspect.getfile

    def getfile(thing: Any) -> str:
        if isinstance(thing, type) and thing.__module__.partition(".")[0] == "gradio":
            raise OSError("left out on purpose")
        return real(thing)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = real


os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
with without_stub_files():
    import gradio as gr
    from gradio.blocks import Block
    from gradio.components import Component
    from gradio.themes import Default, ThemeClass

__all__ = ["Block", "Component", "Default", "ThemeClass", "gr", "part", "tool"]


def part(tag: str, elem_id: str, classes: Sequence[str] = (), **data: str) -> "gr.HTML":
    """An element of our own: its tag, and values for its data attributes. What it shows the browser makes (web/parts.js)."""
    attributes = "".join(f" data-{name}='{html.escape(value)}'" for name, value in data.items())
    markup = f"<{tag}{attributes}></{tag}>"
    return gr.HTML(markup, elem_id=elem_id, elem_classes=list(classes), apply_default_css=False)


def tool(name: str, elem_id: str, icon: str, *classes: str) -> "gr.Button":
    """A button with an icon of icons.css; its name is for screen readers and the tooltip."""
    return gr.Button(name, elem_id=elem_id, elem_classes=["tool", f"icon-{icon}", *classes])
