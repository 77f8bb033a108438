"""The Train tab: trainings, what they make and the pictures they are made of; a part of our own in the browser, over /webui/training."""

from modules.frontend.toolkit import gr, part


def training_tab() -> None:
    with gr.Tab("Train", id="train", elem_id="tab_train"):
        part("webui-training", "webui_training")
