"""The Settings tab, made from the declared settings; a part of our own in the browser, over the server's routes."""

from modules.frontend.toolkit import gr, part


def settings_tab() -> None:
    with gr.Tab("Settings", id="settings", elem_id="tab_settings"):
        part("webui-settings", "webui_settings")
