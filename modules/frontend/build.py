"""The whole page as one gr.Blocks."""

import html
import os
import platform
from pathlib import Path

from modules import __version__
from modules.frontend.notices import Notices
from modules.frontend.quicksettings import Quicksettings
from modules.frontend.services import PageServices
from modules.frontend.serving import mount
from modules.frontend.tabs.queue import queue_tab
from modules.frontend.tabs.txt2img import TextToImageTab
from modules.frontend.toolkit import gr

__all__ = ["build_page", "mount"]

TITLE = "Easel"
HOUR, DAY = 3600, 86400


def build_page(services: PageServices, *, temporary: Path) -> gr.Blocks:
    """The page. `temporary` is where Gradio keeps uploads and copies of what it shows, each for a day."""
    os.environ["GRADIO_TEMP_DIR"] = str(temporary)  # read by each component when it is made; Gradio has no argument for it
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=(HOUR, DAY)) as page:
        gr.HTML(f"<h1>{TITLE}</h1>", elem_classes=["for-screen-readers"])
        notices = Notices()
        quicksettings = Quicksettings(services)
        with gr.Tabs(elem_id="tabs"):
            txt2img = TextToImageTab(services, notices)
            queue_tab()
        python = platform.python_version()
        gr.HTML(f"<footer>{TITLE} {__version__} • Python {html.escape(python)} • Gradio {gr.__version__}</footer>", elem_id="footer")
        txt2img.connect(page)
        quicksettings.connect(page, txt2img.form, notices)
    return page.queue(default_concurrency_limit=8, max_size=64)
