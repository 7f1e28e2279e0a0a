"""``netlens bench``: run one of the scripts in ``benchmarks/``."""

import ast
import subprocess
import sys
from pathlib import Path

from netlens.workflow.errors import UserError


def run_benchmark(name: str | None, arguments: list[str]) -> int:
    """Run ``benchmarks/<name>.py`` with `arguments`; without a name, list the benchmarks."""
    scripts = {path.stem: path for path in sorted(Path("benchmarks").glob("[!_]*.py"))}
    if not scripts:
        raise UserError("there is no folder benchmarks here; run `netlens bench` in the checkout or a folder of it")
    if name is None:
        for stem, path in scripts.items():
            words = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n", 1)[0]
            print(f"{stem:<24} {words}")
        return 0
    if name not in scripts:
        raise UserError(f"there is no benchmark {name!r}; choose from: {', '.join(scripts)}")
    return subprocess.run([sys.executable, str(scripts[name]), *arguments], check=False).returncode
