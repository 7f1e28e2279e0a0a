"""Modules of netlens that a notebook depends on, so that an edit makes only the affected items out of date."""

import ast
import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

PACKAGE = "netlens"


def code_of(notebook: str | Path, source: Path = Path("src")) -> list[str]:
    """Files in `source` that `notebook` imports, directly or indirectly.

    Parameters
    ----------
    notebook
        Path of a notebook.
    source
        Folder that contains the package.

    Returns
    -------
    list of str
        Sorted paths. They include the ``__init__`` files of packages, which run when a module is imported.
    """
    cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    files: set[Path] = set()
    todo = list(_modules(ast.parse(text), ()))
    while todo:
        for file in _files(todo.pop(), source):
            if file not in files:
                files.add(file)
                if file.suffix == ".py":
                    todo.extend(_imports(file, source))
    return sorted(file.as_posix() for file in files)


# Every notebook's imports lead through the same modules, and Snakemake asks for those of all notebooks at each start.
@functools.cache
def _files(module: str, source: Path) -> tuple[Path, ...]:
    """Return the files that importing `module` runs: each package's ``__init__`` and the module itself."""
    return tuple(_found(module.split("."), source))


def _found(parts: Sequence[str], source: Path) -> Iterator[Path]:
    for depth in range(1, len(parts) + 1):
        path = source.joinpath(*parts[:depth])
        if (path / "__init__.py").is_file():
            yield path / "__init__.py"
        elif path.with_suffix(".py").is_file():
            yield path.with_suffix(".py")
            # A module's data files are in assets/ beside it and are named after it.
            yield from sorted((path.parent / "assets").glob(f"{path.name}.*"))


@functools.cache
def _imports(file: Path, source: Path) -> tuple[str, ...]:
    package = file.relative_to(source).with_suffix("").parts
    package = package[:-1]
    return tuple(_modules(ast.parse(file.read_text(encoding="utf-8")), package))


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements of a tree, which is mostly expressions, in which nothing is imported."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        children = ast.iter_child_nodes(node)
        todo += [child for child in children if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case)]


def _modules(tree: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == PACKAGE:
                    yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join((*package[: len(package) - node.level + 1], *([node.module] if node.module else ())))
            if base.split(".")[0] == PACKAGE:
                yield base
                # `from package import module` imports the module; a name that is not a module has no file.
                yield from (f"{base}.{alias.name}" for alias in node.names)
