"""The Queue tab: every job that waits, runs or has lately ended, whoever started it. The browser fills it from the event stream."""

from modules.frontend.toolkit import gr, part


def queue_tab() -> None:
    with gr.Tab("Queue", id="queue", elem_id="tab_queue"):
        part("webui-queue", "webui_queue")
