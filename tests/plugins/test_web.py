"""What the browser gets of extensions."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.plugins.loader import load
from modules.plugins.registry import Registry
from modules.plugins.web import WebFiles, localization_folders
from modules.server import errors, extension_web
from tests.plugins.writing import extension

CODE = "from modules.plugins import Extension, Tab\nclass Mine(Extension):\n    tab = Tab('My page', 'my-page')"
WEB = '[web]\ncss = ["web/mine.css"]\njavascript = ["web/deep/mine.js"]\npanel = "my-panel"'


def written(root: Path, name: str, more: str = WEB) -> Path:
    folder = extension(root, name, CODE, more=more)
    for path, text in {"mine.css": "a {}", "deep/mine.js": "export {}", "table.csv": "a,b", "page.html": "<p>"}.items():
        (folder / "web" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "web" / path).write_text(text)
    (folder / "localizations").mkdir()
    (folder / "localizations" / "日本語.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="module")
def registry(root: Path) -> Registry:
    written(root, "web_one")
    extension(root, "web_none", "from modules.plugins import Extension\nclass Mine(Extension): ...")
    return Registry.of(root)


@pytest.fixture
def client(registry: Registry) -> TestClient:
    app = FastAPI()
    errors.install(app)
    app.include_router(extension_web.router(WebFiles(registry.extensions)))
    return TestClient(app)


def test_the_page_is_told_what_to_load(client: TestClient, registry: Registry, root: Path) -> None:
    none, one = client.get("/webui/extension-web").json()["extensions"]
    assert none == {"name": "web_none", "title": "Web None", "css": [], "javascript": [], "panel": "", "tab": None, "localizations": []}
    assert one["tab"] == {"title": "My page", "element": "my-page"} and one["panel"] == "my-panel" and one["localizations"] == ["日本語"]
    for address, text in ((one["css"][0], "a {}"), (one["javascript"][0], "export {}")):
        answer = client.get(f"/{address}")
        assert answer.text == text and "immutable" in answer.headers["cache-control"]
    assert client.get(f"/{one['javascript'][0]}").headers["content-type"].startswith("text/javascript")
    assert localization_folders(registry.extensions()) == [root / "web_one" / "localizations"]


def test_a_changed_file_has_another_address_and_the_old_one_is_not_kept(client: TestClient, root: Path) -> None:
    before = client.get("/webui/extension-web").json()["extensions"][1]["javascript"][0]
    (root / "web_one" / "web" / "table.csv").write_text("a,b,c")
    after = client.get("/webui/extension-web").json()["extensions"][1]["javascript"][0]
    assert before != after and before.rsplit("/", 2)[-2:] == after.rsplit("/", 2)[-2:]
    assert client.get(f"/{before}").headers["cache-control"] == "no-store"


def test_only_files_of_web_and_of_known_kinds_are_given(client: TestClient, root: Path) -> None:
    (root / "secret.txt").write_text("no")
    (root / "web_one" / "web" / "link.txt").symlink_to(root / "secret.txt")
    start = client.get("/webui/extension-web").json()["extensions"][1]["css"][0].removesuffix("mine.css")
    assert client.get(f"/{start}table.csv").text.startswith("a,b")
    for path in ("page.html", "nothing.js", "../__init__.py", "%2e%2e/__init__.py", "..%2f__init__.py", "link.txt", "deep", ""):
        assert client.get(f"/{start}{path}").status_code in (404, 405), path


@pytest.mark.parametrize(
    ("web", "words"),
    [
        ('[web]\ncss = ["web/none.css"]', "there is no file 'web/none.css'"),
        ('[web]\ncss = ["../mine.css"]', "below the folder web"),
        ('[web]\ncss = ["/etc/passwd"]', "below the folder web"),
        ('[web]\njavascript = ["web/mine.css"]', "must end in .js or .mjs"),
        ('[web]\njavascript = ["web/../__init__.py"]', "below the folder web"),
        ('[web]\npanel = "div"', "web.panel: String should match"),
        ('[web]\nhtml = ["web/page.html"]', "web.html: Extra inputs"),
    ],
)
def test_files_that_cannot_be_are_the_row_s_reason(tmp_path: Path, web: str, words: str) -> None:
    assert words in str(load(written(tmp_path, "web_wrong", web)).problem)


def test_names_of_the_program_s_own_addresses_are_refused(tmp_path: Path) -> None:
    assert "addresses have that name" in str(load(extension(tmp_path, "details", CODE)).problem)
