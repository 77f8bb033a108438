"""The Queue tab: every job that waits, runs or has lately ended, whoever started it. The browser fills it from the event stream."""

from modules.frontend.toolkit import gr


def queue_tab() -> None:
    with gr.Tab("Queue", id="queue", elem_id="tab_queue"):
        gr.HTML("<webui-queue></webui-queue>", elem_id="webui_queue")
