"""The 45 requests that were recorded with A1111's answers, errors too, sent to us. What differs stands in a table with its reason.

The table is the same as in modules/DECISIONS.md.
"""

import base64
import json
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient

from tests.a1111.pretended import png
from tests.golden import golden_json, needs_golden

pytestmark = needs_golden
RECORDED: dict[str, Any] = golden_json("api/behaviour.json") or {}
FILE_HASH = "ba0bb0e35b"  # of the other checkpoint there


class Difference(NamedTuple):
    """Our status, words of our answer, and why it is not A1111's."""

    status: int
    words: str
    reason: str


SENTENCES = "what the client got wrong is the client's error: 4xx with a sentence and the nearest names, not 500 with a Python error"
SILENT = "a picture made otherwise than asked for is found out late, if ever"

STATUS = {
    "bad-sampler": Difference(404, "There is no sampler named 'nope'", SILENT),
    "bad-sampler-index": Difference(404, "There is no sampler named 'nope'", SILENT),
    "bad-scheduler": Difference(404, "named 'nope'", SILENT),
    "style-missing": Difference(404, "named 'nope'", SILENT),
    "override-ckpt-unknown": Difference(404, "There is no checkpoint named 'nope'", SILENT),
    "bad-image": Difference(400, "init_images[0]", SENTENCES),
    "bad-upscaler": Difference(404, "There is no upscaler named 'nope'", SENTENCES),
    "bad-option": Difference(404, "There is no setting named 'nope'", SENTENCES),
    "bad-checkpoint": Difference(404, "There is no checkpoint named 'nope'", SENTENCES),
    "override-unknown": Difference(404, "There is no setting named 'nope'", SENTENCES),
    "steps-0": Difference(400, "Sampling steps is 0; it must be at least 1", SENTENCES),
}

# Values of `info` and `parameters` that differ though the request succeeds in both.
VALUES = {
    "sampler-alias": (
        {"sampler_name", "extra_generation_params"},
        "aliases name their sampler; A1111 takes its first one for every unknown name",
    ),
    "sampler-lower": ({"sampler_name", "extra_generation_params"}, "names are understood in any case"),
    "infotext-param": (
        {"scheduler", "hr_scheduler", "hr_checkpoint_name", "hr_sampler_name"},
        "the infotext's own schedule is taken; A1111 loses it, and writes its words for 'as the first pass' into the echo",
    ),
    "infotext-param-override": (
        {"hr_scheduler", "hr_checkpoint_name", "hr_sampler_name"},
        "A1111 writes its words for 'as the first pass' into the echo",
    ),
}

# Of the model, of the moment, and our own version: these differ from any machine to the next.
ELSEWHERE = {"sd_model_name", "sd_model_hash", "infotexts", "job_timestamp", "version", "subseed", "all_subseeds"}
DRAWN = {"seed", "all_seeds"}


@pytest.fixture(scope="module")
def answers(client: TestClient) -> dict[str, Any]:
    """Ours to all of them, asked in the recorded order."""
    picture = base64.b64encode(png(size=(64, 64))).decode()
    listed = client.get("/sdapi/v1/sd-models").json()
    other = next(model for model in listed if model["model_name"] == "two")
    client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "two"})  # its hash is read when it is first used
    client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "one"})
    other = next(model for model in client.get("/sdapi/v1/sd-models").json() if model["filename"] == other["filename"])
    found: dict[str, Any] = {}
    for name, row in RECORDED.items():
        body = json.loads(json.dumps(row["payload"]).replace(FILE_HASH, other["hash"]))
        if str(body.get("image", "")).startswith("<"):
            body["image"] = picture
        found[name] = client.post(row["endpoint"], json=body)
    return found


@pytest.mark.parametrize("name", list(RECORDED))
def test_the_status_is_a1111s_or_differs_with_a_reason(name: str, answers: dict[str, Any]) -> None:
    row, answer = RECORDED[name], answers[name]
    if name in STATUS:
        assert (answer.status_code, STATUS[name].words in answer.text) == (STATUS[name].status, True), answer.text
        assert answer.status_code != row["status"]  # a row of the table that is no longer needed is taken out
    else:
        assert answer.status_code == row["status"], answer.text


@pytest.mark.parametrize("name", [name for name in RECORDED if name not in STATUS])
def test_the_answer_has_a1111s_form(name: str, answers: dict[str, Any]) -> None:
    assert form(answers[name].json()) == form(RECORDED[name]["response"])


@pytest.mark.parametrize("name", [name for name, row in RECORDED.items() if name not in STATUS and "images" in (row["response"] or {})])
def test_values_are_a1111s_or_differ_with_a_reason(name: str, answers: dict[str, Any]) -> None:
    ours, theirs = answers[name].json(), RECORDED[name]["response"]
    allowed = VALUES.get(name, (set[str](), ""))[0]
    different = {key for key, value in theirs["parameters"].items() if ours["parameters"][key] != value}
    different -= {"override_settings"} if FILE_HASH in json.dumps(theirs["parameters"]) else set()
    info, recorded = json.loads(ours["info"]), json.loads(theirs["info"])
    ignored = ELSEWHERE | (DRAWN if theirs["parameters"]["seed"] == -1 else set())
    different |= {key for key, value in recorded.items() if info[key] != value} - ignored
    assert different == allowed


def form(value: Any) -> Any:
    """The keys of an answer, and those of the JSON text inside it; of errors the fields, of lists the first entry's."""
    if isinstance(value, dict):
        return {key: form(json.loads(one) if key == "info" and str(one).startswith("{") else one) for key, one in sorted(value.items())
                if key not in ("parameters", "extra_generation_params", "override_settings", "items")}  # fmt: skip
    if isinstance(value, list):
        return [form(value[0])] if value and isinstance(value[0], dict) else []
    return ""
