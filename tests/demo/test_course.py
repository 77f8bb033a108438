"""A course that was stopped and begun again ends where one ends that never stopped."""

from pathlib import Path

import torch
from torch import nn

from modules.demo.course import Course


def taught(path: Path, until: int, steps: int = 6) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    course = Course("test", path, model, optimizer, steps=steps, rate=lambda step: 0.01 * (1 - step / steps), every=2, decay=0.9)
    for step in range(course.first, until):
        random = torch.Generator().manual_seed(step)
        x = torch.randn(16, 4, generator=random)
        course.learn(step, (model(x) - x.sum(1, keepdim=True)).square().mean())
    assert course.average is not None
    return dict(model.state_dict()), course.average.values


def test_a_course_goes_on_where_it_was_kept(tmp_path: Path) -> None:
    whole, average = taught(tmp_path / "whole.pt", 6)
    taught(tmp_path / "parts.pt", 5)  # what was kept is step 4
    resumed, resumed_average = taught(tmp_path / "parts.pt", 6)
    for name, tensor in whole.items():
        assert torch.equal(resumed[name], tensor)
        assert torch.equal(resumed_average[name], average[name])
        assert not torch.equal(average[name], tensor)
