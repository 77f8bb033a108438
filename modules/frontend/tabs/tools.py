"""The Tools tab: the pages that extensions bring along; a part of our own in the browser."""

from modules.frontend.toolkit import gr, part


def tools_tab() -> None:
    with gr.Tab("Tools", id="tools", elem_id="tab_tools"):
        part("webui-tools", "webui_tools")
