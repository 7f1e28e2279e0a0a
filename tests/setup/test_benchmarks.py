"""Benchmarks run rarely: what they import from netlens must exist all the same."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))


def source_of(module: str) -> Path:
    """File of a module of netlens, which is not imported: some start TensorFlow."""
    place = ROOT / "src" / Path(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def defined_in(source: Path) -> set[str]:
    """Names at the top level of a module, and the modules of a package."""
    names = {path.stem for path in source.parent.iterdir()} if source.name == "__init__.py" else set()
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        else:
            names |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_what_a_benchmark_imports_exists(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "netlens":
            source = source_of(node.module)
            assert source.is_file(), f"line {node.lineno}: there is no {node.module}"
            missing = {alias.name for alias in node.names} - defined_in(source)
            assert not missing, f"line {node.lineno}: {node.module} has no {missing.pop()}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "netlens":
                    assert source_of(alias.name).is_file(), f"line {node.lineno}: there is no {alias.name}"


def test_a_name_that_is_gone_would_be_found():
    assert "makers" in defined_in(source_of("netlens.workflow.records"))
    assert "job_records" not in defined_in(source_of("netlens.review"))
