"""``netlens completion``: a script with which a shell completes commands, options, items, studies and files."""

import argparse
import re
from typing import Any, Final

import shtab

#: Looks for the checkout as `netlens.cli.place` does; starting Python at each press of a key would take too long.
_ROOT: Final = """
_netlens_root() {
  local folder=$PWD
  while [ -n "$folder" ] && ! { [ -f "$folder/Snakefile" ] && [ -f "$folder/config/schema.yaml" ]; }; do
    folder=${folder%/*}
  done
  printf '%s\\n' "${folder:-$PWD}"
}
"""


def _names(function: str, command: str) -> dict[str, Any]:
    """What completes names that a shell command prints; ``$root`` is the checkout."""
    body = f"{_ROOT}{function}() {{\n  local root\n  root=$(_netlens_root)\n  {command} 2>/dev/null\n}}\n"
    return {
        "bash": f"{function}_compgen",
        "zsh": f"{function}_add",
        "preamble": {
            "bash": f'{body}{function}_compgen() {{ compgen -W "$({function})" -- "$1"; }}\n',
            "zsh": f'{body}{function}_add() {{ compadd "$@" -- ${{(f)"$({function})"}} }}\n',
        },
    }


ITEMS: Final = _names(
    "_netlens_items",
    "find \"$root\"/notebooks -name items.yaml -exec sed -n 's/^\\([A-Za-z][A-Za-z0-9_]*\\):.*/\\1/p' {} +",
)
STUDIES: Final = _names(
    "_netlens_studies", "find \"$root\"/config -name '*.yaml' ! -name schema.yaml -exec basename {} .yaml ';'"
)
BENCHMARKS: Final = _names(
    "_netlens_benchmarks", "find \"$root\"/benchmarks -name '[!_]*.py' -exec basename {} .py ';'"
)

_BY_TYPE: Final = {"study": STUDIES, "path": shtab.FILE, "source": shtab.FILE, "file_or_word": shtab.FILE}


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Script for a shell, ``bash`` or ``zsh``, that completes what a parser reads.

    Commands without help, which only rules call, are not completed.
    """
    _mark(parser)
    text = str(shtab.complete(parser, shell=shell))
    # To zsh, shtab's "(*)" is one argument that excludes others, and "*" is any number of them.
    return re.sub(r'"\(\*\)::?', '"*:', text) if shell == "zsh" else text


def _mark(parser: argparse.ArgumentParser) -> None:
    """Mark the arguments of a parser and of its commands with what completes them."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _mark(command)
        elif action.metavar == "ITEM":
            action.complete = ITEMS  # type: ignore[attr-defined]
        elif action.metavar == "BENCHMARK":
            action.complete = BENCHMARKS  # type: ignore[attr-defined]
        elif action.type in _BY_TYPE:
            action.complete = _BY_TYPE[str(action.type)]  # type: ignore[attr-defined]
