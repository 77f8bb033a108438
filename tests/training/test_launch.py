"""The commands that start trainings."""

import sys
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest
from modules.contract.training import DeviceOptions
from modules.training.runs.launch import commands, launch_of
from modules.training.runs.run_folder import RunFolder

RUN = RunFolder(Path("/trainings/cat"))


def test_one_process_is_plain_python() -> None:
    launch = launch_of(RUN, DeviceOptions(), on_cards=True)
    assert launch.arguments == (sys.executable, "-m", "modules.training_process", "/trainings/cat")
    assert launch.environment == {}


def test_a_card_is_chosen_by_its_number() -> None:
    assert launch_of(RUN, DeviceOptions(devices="1"), on_cards=True).environment == {"CUDA_VISIBLE_DEVICES": "1"}


def test_each_named_card_has_a_process() -> None:
    launch = launch_of(RUN, DeviceOptions(devices="0, 2"), on_cards=True)
    assert launch.environment == {"CUDA_VISIBLE_DEVICES": "0,2"}
    assert launch.arguments[1:6] == ("-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone")


def test_processes_on_a_processor_share_its_cores() -> None:
    launch = launch_of(RUN, DeviceOptions(processes=2, devices="0"), on_cards=False)
    assert launch.environment["ACCELERATE_USE_CPU"] == "true"
    assert int(launch.environment["OMP_NUM_THREADS"]) >= 1
    assert "CUDA_VISIBLE_DEVICES" not in launch.environment


def test_each_further_machine_has_its_command() -> None:
    devices = DeviceOptions(processes=4, machines=3, address="10.0.0.1:4000")
    first = launch_of(RUN, devices, on_cards=True)
    assert first.arguments[5:13] == ("--nnodes", "3", "--node_rank", "0", "--master_addr", "10.0.0.1", "--master_port", "4000")
    further = commands(RUN, devices, on_cards=True)
    assert [f"--node_rank {number} " in command for number, command in enumerate(further, 1)] == [True, True]
    assert further[0].endswith("-m modules.training_process /trainings/cat")


@pytest.mark.parametrize(
    ("devices", "why"),
    [
        (DeviceOptions(devices="0,0"), "each once"),
        (DeviceOptions(devices="first"), "numbers of graphics cards"),
        (DeviceOptions(machines=2), "host:port"),
        (DeviceOptions(machines=2, address="a:b"), "host:port"),
    ],
)
def test_devices_that_cannot_be_are_refused(devices: DeviceOptions, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        launch_of(RUN, devices, on_cards=True)
