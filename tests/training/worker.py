"""A process that counts steps as the trainer does: it says where it is, and heeds what it is asked for. `python worker.py RUN_FOLDER`."""

import os
import sys
import time
from pathlib import Path

from modules.training.runs.launch import started
from modules.training.runs.run_folder import RunFolder, State


def main(run: RunFolder) -> None:
    """Count to request.steps.steps, ten steps a second; go on from where it was paused."""
    request = run.request()
    if request.name == "broken":
        print("it fell over something", flush=True)
        sys.exit(3)
    begun = {"state": "running", "phase": "training", "process": os.getpid(), "process_started": started(os.getpid())}
    status = run.status().model_copy(update=begun)
    end: State = "done"
    while status.step < request.steps.steps:
        if run.asked("pause") or run.asked("stop"):
            end = "paused" if run.asked("pause") else "stopped"
            break
        if run.asked("sample"):
            run.answered("sample")
            run.tell("sample", step=status.step, prompt=0, text="", file="", seed=1)
        status = status.model_copy(update={"step": status.step + 1})
        run.tell("step", step=status.step, loss=1 / status.step)
        run.write_status(status)
        time.sleep(0.1)
    run.write_status(status.model_copy(update={"state": end, "published": f"{request.name}.safetensors" if end == "done" else ""}))
    run.tell("ended", state=end, step=status.step)


main(RunFolder(Path(sys.argv[1])))
