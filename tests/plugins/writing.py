"""Extensions written for a test."""

from pathlib import Path

MANIFEST = 'name = "{name}"\ntitle = "{title}"\nversion = "1.2"\napi = 1\n{more}'
CODE = """
from modules.plugins import Extension, Options, Slider, hook

class Mine(Extension):
    class Options(Options):
        strength: float = Slider(0.5, 0, 1, "Strength", step=0.1)

    @hook.request
    def sign(self, request):
        return request.replace(prompt=request.prompt + self.name[-1] + str(self.options.strength))
"""


def extension(root: Path, name: str, code: str = CODE, *, more: str = "", manifest: str | None = None) -> Path:
    """The folder of an extension."""
    folder = root / name
    folder.mkdir(parents=True)
    text = MANIFEST.format(name=name, title=name.replace("_", " ").title(), more=more) if manifest is None else manifest
    (folder / "extension.toml").write_text(text, "utf8")
    (folder / "__init__.py").write_text(code, "utf8")
    return folder
