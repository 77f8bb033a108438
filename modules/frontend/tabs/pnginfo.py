"""The PNG Info tab: what a picture file says of itself; a part of our own in the browser, over POST /webui/picture-info."""

from modules.frontend.toolkit import gr, part


def pnginfo_tab() -> None:
    with gr.Tab("PNG Info", id="pnginfo", elem_id="tab_pnginfo"):
        part("webui-pnginfo", "webui_pnginfo")
