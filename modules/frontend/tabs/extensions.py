"""The Extensions tab: what is installed, and what can be; a part of our own in the browser."""

from modules.frontend.toolkit import gr, part


def extensions_tab() -> None:
    with gr.Tab("Extensions", id="extensions", elem_id="tab_extensions"):
        part("webui-extensions", "webui_extensions")
