"""The History tab: every picture ever made; a part of our own in the browser, over the server's routes."""

from modules.frontend.toolkit import gr, part


def history_tab() -> None:
    with gr.Tab("History", id="history", elem_id="tab_history"):
        part("webui-history", "webui_history")
