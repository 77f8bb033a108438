"""The files that A1111's API serves, and those that it does not."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.a1111.pretended import ExtrasSite, get, png


@pytest.fixture
def client(site: ExtrasSite, connection: TestClient) -> TestClient:
    return connection


@pytest.fixture
def lora(site: ExtrasSite) -> Path:
    folder = site.folders.models
    (folder / "a-lora.png").write_bytes(png())
    (folder / "a-lora.txt").write_text("<b>mine</b>", "utf8")
    return folder / "a-lora.png"


def test_a_preview_beside_a_model_is_served(client: TestClient, lora: Path) -> None:
    answer = client.get("/sd_extra_networks/thumb", params={"filename": str(lora)})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../settings.json", "{models}/../outside.png", "{models}/../../outside.png", "{models}/link.png",
             "{models}/a-lora.txt", "{models}/\0.png", "{models}/nothing.png", "{data}/outside.png", "file:///etc/passwd", "{models}"],
)  # fmt: skip
@pytest.mark.parametrize("address", ["/sd_extra_networks/thumb?filename=", "/file="])
def test_no_other_file_is_served(client: TestClient, site: ExtrasSite, lora: Path, name: str, address: str) -> None:
    (site.folders.data / "outside.png").write_bytes(png())
    link = site.folders.models / "link.png"
    link.unlink(missing_ok=True)
    link.symlink_to(site.folders.data / "outside.png")
    path = name.format(models=site.folders.models, data=site.folders.data)
    assert client.get(address + path.replace("\0", "%00")).status_code == 404


def test_a_picture_of_the_output_folder_is_served_under_a1111s_address(client: TestClient, site: ExtrasSite) -> None:
    file = site.folders.outputs / "txt2img-images" / "a.png"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(png())
    for path in (str(file), "outputs/txt2img-images/a.png", "txt2img-images/a.png"):
        assert client.get(f"/file={path}").content == png()


def test_cards_tell_of_a_network(client: TestClient, site: ExtrasSite, lora: Path) -> None:
    answer = get(client, "/sd_extra_networks/metadata?page=lora&item=a-lora")
    assert json.loads(answer["metadata"]) == {"ss_output_name": "alias"}
    card = get(client, "/sd_extra_networks/get-single-card?page=lora&tabname=txt2img&name=a-lora")["html"]
    assert "&lt;b&gt;mine" in card and "<b>" not in card


@pytest.mark.parametrize(
    "query", ["metadata?page=lora&item=nope", "metadata?page=nope&item=x", "cover-images?page=lora&item=a-lora&index=0",
              "cover-images?page=lora&item=a-lora&index=-1", "get-single-card?page=lora&name=nope"],
)  # fmt: skip
def test_an_unknown_card_is_not_found(client: TestClient, query: str) -> None:
    assert client.get(f"/sd_extra_networks/{query}").status_code == 404
