"""The house rules that can be read off the source: one-way imports, sizes, names, words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "henderson"
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = {
    "errors": 0, "_core": 0, "core": 0, "progress": 0, "threads": 0,
    "data": 1, "formula": 1,
    "design": 2,
    "crossprod": 3,
    "solve": 4, "lazy": 4,
    "model": 5, "optim": 5,
    "estimate": 6,
    "inference": 7,
    "display": 8,
    "results": 9, "api": 9,
    "plot": 10, "adapters": 10, "datasets": 10, "tables": 10, "report": 10, "outputs": 10,
    "cli": 10, "__main__": 10,
}  # fmt: skip
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "tools"}


def module_name(path: Path) -> tuple[str, ...]:
    """Dotted name of a module below henderson, as a tuple; the package's own ``__init__`` is ()."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


KNOWN = {module_name(path) for path in MODULES} | {("_core",)}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def walk(node: ast.AST, *, types: bool) -> Iterator[ast.AST]:
    """All nodes below, with or without the imports that only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if types or not is_type_checking(child):
            yield child
            yield from walk(child, types=types)


def imported(path: Path, *, types: bool) -> Iterator[tuple[str, ...]]:
    """Modules of henderson that the module at `path` imports, inside functions too."""
    own = module_name(path)
    package = own if path.name == "__init__.py" else own[:-1]
    for node in walk(ast.parse(path.read_text(encoding="utf-8")), types=types):
        if isinstance(node, ast.Import):
            targets = [(alias.name.split("."), None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ["henderson", *package[: len(package) + 1 - node.level]] if node.level else []
            targets = [(base + (node.module or "").split("."), alias.name) for alias in node.names]
        else:
            continue
        for parts, name in targets:
            parts = [part for part in parts if part]
            if parts[:1] == ["henderson"]:
                inner = tuple(parts[1:])
                yield (*inner, name) if name is not None and (*inner, name) in KNOWN else inner


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


def test_every_room_has_a_floor():
    rooms = {module_name(path)[0] for path in MODULES if module_name(path)}
    assert rooms <= set(FLOORS)


@each_module
def test_imports_run_downwards(path):
    own = module_name(path)
    if not own:
        return  # henderson/__init__ shows what the rooms hold
    floor = FLOORS[own[0]]
    for target in imported(path, types=True):
        if not target:
            assert floor == 10, f"{own} imports the package itself"
        elif target[0] != own[0]:
            assert FLOORS[target[0]] <= floor, f"{'.'.join(own)} (floor {floor}) imports {'.'.join(target)}"


def test_no_two_rooms_import_each_other():
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        if own := module_name(path):
            rooms = {target[0] for target in imported(path, types=False) if target}
            graph.setdefault(own[0], set()).update(rooms - {own[0]})
    assert_acyclic(graph)


def test_no_two_modules_import_each_other():
    graph = {
        module_name(path): {t for t in imported(path, types=False) if t and t != module_name(path)}
        for path in MODULES
        if module_name(path) and path.name != "__init__.py"
    }
    assert_acyclic(graph)


def assert_acyclic(graph: dict) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a circle: {error.args[1]}")


@each_module
def test_sizes(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, "modules hold at most 400 lines"
    tree = ast.parse(text)
    long = {function.name: size for function in functions(tree) if (size := body_lines(function)) > 60}
    assert not long, "function bodies hold at most 60 lines"
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    large = {node.name for node in classes if (node.end_lineno or 0) - node.lineno > 300}
    assert not large, "classes hold at most 300 lines"


def test_modules_are_about_150_lines():
    sizes = sorted(
        path.read_text(encoding="utf-8").count("\n") for path in MODULES if path.name != "__init__.py"
    )
    assert sizes[len(sizes) // 2] <= 200


@each_module
def test_names_say_something(path):
    assert path.stem not in EMPTY_NAMES


@each_module
def test_modules_and_public_functions_are_documented(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module says what it is for"
    public = (node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)))
    missing = [node.name for node in public if not node.name.startswith("_") and not ast.get_docstring(node)]
    assert not [name for name in missing if not is_overload(tree, name)]


def is_overload(tree: ast.Module, name: str) -> bool:
    same = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return len(same) > 1 and ast.get_docstring(same[-1]) is not None


def test_every_module_postpones_annotations():
    late = "from __future__ import annotations"
    modules = [path for path in MODULES if path.name != "__init__.py"]
    assert not [str(path) for path in modules if late not in path.read_text(encoding="utf-8")]


def written_files() -> Iterator[Path]:
    """Every text that somebody wrote: sources, tests, pages, build files."""
    for folder in ("src", "core", "tests", "benchmarks", "docs", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and not {"__pycache__", "_build", "jupyter_execute"} & set(path.parts):
                yield path
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file())


# Spelt in pieces, so that this file does not trip over itself.
UNWANTED = [
    "/" + "work/",
    "/" + "tmp/",
    r"\bpypi" + r"\.org",
    "pythonhosted" + r"\.org",
    r"deb\." + r"debian\.org",
    r"conda" + r"\.anaconda",
    r"\bTO" + r"DO\b",
    r"\bFIX" + r"ME\b",
    r"\bXX" + r"X\b",
    r"\bissue " + r"#?\d",
]


def test_no_word_of_where_it_was_written():
    unwanted = re.compile("|".join(UNWANTED))
    found = []
    for path in written_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        lines = enumerate(text.splitlines(), start=1)
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line}" for number, line in lines if unwanted.search(line)
        ]
    assert not found
