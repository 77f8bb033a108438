"""The Models tab: what is on disk and what is wrong with it, and downloads; a part of our own in the browser."""

from modules.frontend.toolkit import gr, part


def models_tab() -> None:
    with gr.Tab("Models", id="models", elem_id="tab_models"):
        part("webui-models", "webui_models")
