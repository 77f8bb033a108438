"""The whole page as one gr.Blocks."""

import html
import os
import platform
from pathlib import Path

from modules import __version__
from modules.frontend.lists import Lists
from modules.frontend.notices import Notices
from modules.frontend.quicksettings import Quicksettings
from modules.frontend.services import PageServices
from modules.frontend.serving import mount
from modules.frontend.tabs.extensions import extensions_tab
from modules.frontend.tabs.extras import ExtrasTab
from modules.frontend.tabs.history import history_tab
from modules.frontend.tabs.img2img import ImageToImageTab
from modules.frontend.tabs.modelmerger import MergerTab
from modules.frontend.tabs.models import models_tab
from modules.frontend.tabs.pnginfo import pnginfo_tab
from modules.frontend.tabs.queue import queue_tab
from modules.frontend.tabs.settings import settings_tab
from modules.frontend.tabs.tools import tools_tab
from modules.frontend.tabs.training import training_tab
from modules.frontend.tabs.txt2img import TextToImageTab
from modules.frontend.toolkit import gr, part

__all__ = ["build_page", "mount"]

TITLE = "Easel"
HOUR, DAY = 3600, 86400


def build_page(services: PageServices, *, temporary: Path) -> gr.Blocks:
    """The page. `temporary` is where Gradio keeps uploads and copies of what it shows, each for a day."""
    os.environ["GRADIO_TEMP_DIR"] = str(temporary)  # read by each component when it is made; Gradio has no argument for it
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=(HOUR, DAY)) as page:
        gr.HTML(f"<h1>{TITLE}</h1>", elem_classes=["for-screen-readers"])
        notices, lists = Notices(), Lists()
        quicksettings = Quicksettings(services)
        with gr.Tabs(overflow_behavior="wrap", elem_id="tabs"):
            txt2img = TextToImageTab(services, notices, lists)
            img2img = ImageToImageTab(services, notices, lists)
            with gr.Tab("Inpaint", id="inpaint", elem_id="tab_inpaint"):  # a door to the same form: web/forms.js opens it
                gr.HTML("")
            extras = ExtrasTab(services, services.finishing, notices) if services.finishing else None
            pnginfo_tab()
            merger = MergerTab(services, services.merging, notices) if services.merging else None
            training_tab()
            models_tab()
            history_tab()
            queue_tab()
            tools_tab()
            settings_tab()
            extensions_tab()
        python = platform.python_version()
        gr.HTML(f"<footer>{TITLE} {__version__} • Python {html.escape(python)} • Gradio {gr.__version__}</footer>", elem_id="footer")
        part("webui-styles", "webui_styles")
        for tab in (txt2img, img2img, extras, merger):
            if tab:
                tab.connect(page)
        quicksettings.connect(page, [txt2img.form, img2img.form], lists, notices)
    return page.queue(default_concurrency_limit=8, max_size=64)
