"""What no file may do, found in its syntax: unsafe readers, patches, hidden state, errors swallowed. One door each for the rest."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.guards.sources import MODULES, Source, sources

OWN_TRAINING = "modules/demo/"  # reads nothing but what it wrote itself
Finder = Callable[[Source], Iterator[int]]


@dataclass(frozen=True)
class Rule:
    """What is not done, where in a file it is done, a line that does it, and the files and folders that may."""

    name: str
    lines: Finder
    example: str
    allowed: tuple[str, ...] = ()


def dotted(node: ast.AST) -> str:
    """`a.b.c` for such an expression; what cannot be named is `?`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def calls_of(source: Source, *names: str) -> Iterator[ast.Call]:
    """Calls of these functions, written so or behind more dots."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and f".{dotted(node.func)}".endswith(tuple(f".{name}" for name in names)):
            yield node


def has(call: ast.Call, argument: str, value: object) -> bool:
    """Whether a call names an argument and sets it to this very constant."""
    values = [one.value for one in call.keywords if one.arg == argument]
    return any(isinstance(one, ast.Constant) and one.value is value for one in values)


def calls(*names: str) -> Finder:
    """Calls of these functions, written so or behind more dots."""
    return lambda source: (call.lineno for call in calls_of(source, *names))


def bare_calls(*names: str) -> Finder:
    """Calls of these names without a dot: `eval(x)`, not `network.eval()`."""
    return lambda source: (call.lineno for call in calls_of(source, *names) if isinstance(call.func, ast.Name))


def imports(*names: str) -> Finder:
    """Imports of these modules or of parts of them."""

    def find(source: Source) -> Iterator[int]:
        for node in ast.walk(source.tree):
            found = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                found = [f"{node.module}.{alias.name}" for alias in node.names]
            if any(f"{one}.".startswith(f"{name}.") for one in found for name in names):
                yield node.lineno  # type: ignore[attr-defined]

    return find


def keyword(name: str, value: object) -> Finder:
    """Calls with this argument set to this value."""
    return lambda source: (node.lineno for node in ast.walk(source.tree) if isinstance(node, ast.Call) and has(node, name, value))


def any_keyword(name: str) -> Finder:
    """Calls with this argument, whatever its value."""
    return lambda source: (node.value.lineno for node in ast.walk(source.tree) if isinstance(node, ast.keyword) and node.arg == name)


def hub_names(source: Source) -> Iterator[int]:
    """`from_pretrained` that could ask a hub: without local_files_only=True, or with a name written out."""
    for call in calls_of(source, "from_pretrained"):
        if not has(call, "local_files_only", True) or (call.args and isinstance(call.args[0], ast.Constant)):
            yield call.lineno


def patches(source: Source) -> Iterator[int]:
    """Attributes set on an imported module, by `=` or setattr. torch.backends is where torch keeps its settings."""
    modules: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    for node in ast.walk(source.tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call) and dotted(node.func) == "setattr" and node.args:
            targets = [ast.Attribute(value=node.args[0], attr="?")]
        for target in targets:
            name = dotted(target) if isinstance(target, ast.Attribute) else ""
            if name.partition(".")[0] in modules and not name.startswith("torch.backends."):
                yield node.lineno  # type: ignore[attr-defined]


def search_path(source: Source) -> Iterator[int]:
    """Changes to where Python finds modules."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in ("sys.path", "sys.modules"):
            yield node.lineno


def bare_excepts(source: Source) -> Iterator[int]:
    """`except:`, and any `except Exception` that passes over what happened."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            everything = node.type is not None and dotted(node.type) in ("Exception", "BaseException")
            if node.type is None or (everything and all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)):
                yield node.lineno


def suppressed(source: Source) -> Iterator[int]:
    """contextlib.suppress of everything."""
    for call in calls_of(source, "suppress"):
        if any(dotted(argument) in ("Exception", "BaseException") for argument in call.args):
            yield call.lineno


def html_from_strings(source: Source) -> Iterator[int]:
    """gr.HTML with a text put together on the spot, other than from constants and escape(...): a prompt in it would run as a script."""

    def harmless(part: ast.expr) -> bool:
        if isinstance(part, ast.FormattedValue):
            part = part.value
        constant = dotted(part).rpartition(".")[2]
        escaped = isinstance(part, ast.Call) and dotted(part.func) in ("escape", "html.escape")
        return isinstance(part, ast.Constant) or escaped or constant.isupper() or constant.startswith("__")

    for call in calls_of(source, "gr.HTML"):
        for value in [*call.args, *(one.value for one in call.keywords if one.arg == "value")]:
            pieces = value.values if isinstance(value, ast.JoinedStr) else []
            if not all(map(harmless, pieces)) or isinstance(value, ast.BinOp):
                yield call.lineno


def blocking_in_async(source: Source) -> Iterator[int]:
    """Files, sleeps and processes in an `async def` itself: the whole server stands still meanwhile."""
    blocking = re.compile(r"(^|\.)(open|sleep|run|check_output|read_text|read_bytes|write_text|write_bytes|urlopen)$")

    def own_parts(node: ast.AST) -> Iterator[ast.AST]:
        for part in ast.iter_child_nodes(node):
            if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield part
                yield from own_parts(part)

    for node in ast.walk(source.tree):
        if isinstance(node, ast.AsyncFunctionDef):
            awaited = {id(part.value) for part in own_parts(node) if isinstance(part, ast.Await)}
            for part in own_parts(node):
                if isinstance(part, ast.Call) and id(part) not in awaited and blocking.search(dotted(part.func)):
                    yield part.lineno


def loads_more_than_tensors(source: Source) -> Iterator[int]:
    """torch.load without weights_only=True."""
    return (call.lineno for call in calls_of(source, "torch.load") if not has(call, "weights_only", True))


def unfinished(source: Source) -> Iterator[int]:
    """Comments that put something off without an issue's number."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and re.search(r"\b(TODO|FIXME|XXX|HACK)\b(?!.*#\d)", token.string):
            yield token.start[0]


RULES = (
    Rule("pickles are read in one place", calls("torch.load"), "torch.load(path)", ("modules/weights/files.py", OWN_TRAINING)),
    Rule("pickles hold tensors only", loads_more_than_tensors, "torch.load(path)"),
    Rule("no other pickle", imports("pickle", "joblib", "dill", "shelve", "marshal"), "import pickle", ("modules/weights/files.py",)),
    Rule("no arrays with pickles", keyword("allow_pickle", True), "np.load(path, allow_pickle=True)"),
    Rule("safetensors are read in one place", calls("safe_open", "load_file", "safetensors.torch.load"), "load_file(path)",
         ("modules/weights/files.py", OWN_TRAINING)),
    Rule("pictures are opened in one place", calls("Image.open"), "Image.open(path)", ("modules/imaging/opening.py",)),
    Rule("pictures are opened in one place, not by OpenCV", calls("cv2.imread", "cv2.imdecode", "cv2.VideoCapture"), "cv2.imread(path)"),
    Rule("YAML is data", calls("yaml.load", "yaml.full_load", "yaml.unsafe_load"), "yaml.load(text)"),
    Rule("YAML is read in one place", calls("yaml.safe_load"), "yaml.safe_load(text)", ("modules/weights/config.py",)),
    Rule("text is not run", bare_calls("eval", "exec", "compile", "__import__"), "eval(text)"),
    Rule("no shell", keyword("shell", True), "run(command, shell=True)"),
    Rule("no shell by name", calls("os.system", "os.popen"), "os.system(command)"),
    Rule("no code from a hub", any_keyword("trust_remote_code"), "load(path, trust_remote_code=False)"),
    Rule("no pipelines from a hub", any_keyword("custom_pipeline"), "load(path, custom_pipeline=name)"),
    Rule("single files are our own to load", calls("from_single_file"), "Model.from_single_file(path)"),
    Rule("no hub is asked", hub_names, "Model.from_pretrained(name)"),
    Rule("certificates are checked", keyword("verify", False), "get(address, verify=False)"),
    Rule("nothing connects outwards", imports("requests", "httpx", "aiohttp", "urllib.request", "urllib3", "http.client"),
         "import urllib.request",
         ("modules/torch_builds.py", "modules/a1111/fetching.py", "modules/downloads/connection.py", "modules/plugins/addresses.py")),
    Rule("temporary names are not guessable", calls("tempfile.mktemp"), "tempfile.mktemp()"),
    Rule("no interface from a hub", calls("gr.load"), "gr.load(name)"),
    Rule("no HTML from pieces", html_from_strings, "gr.HTML(f'<b>{prompt}</b>')"),
    Rule("the server never stands still", blocking_in_async, "async def x():\n    return path.read_text()"),
    Rule("libraries are not patched", patches, "import library\nlibrary.function = mine",
         ("modules/frontend/toolkit.py",)),
    Rule("Python finds modules as it always does", search_path, "import sys\nsys.path.append(folder)",
         ("modules/plugins/loader.py",)),  # forgets the modules of an extension that has been updated
    Rule("no globals", lambda source: (node.lineno for node in ast.walk(source.tree) if isinstance(node, ast.Global)),
         "def f():\n    global state"),
    Rule("no bare except", bare_excepts, "try:\n    f()\nexcept Exception:\n    pass"),
    Rule("nothing suppresses everything", suppressed, "contextlib.suppress(Exception)"),
    Rule("nothing is put off", unfinished, "x = 1  # TODO later"),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule(rule: Rule) -> None:
    found = sources()
    assert len(found) > 40
    broken = [f"{source.path}:{line}" for source in found if not source.path.startswith(rule.allowed) for line in rule.lines(source)]
    assert not broken, f"{rule.name}: {', '.join(broken)}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_is_broken_by_its_example(rule: Rule) -> None:
    assert list(rule.lines(Source("planted.py", rule.example, ast.parse(rule.example))))


def test_files_that_may_are_there() -> None:
    listed = {path for rule in RULES for path in rule.allowed}
    assert not [path for path in listed if not (MODULES.parent / path).exists()]
