"""Clean-up of executed notebooks, which serve as logs: final paths, no start-up messages, finished progress bars."""

import math
import re
import sys
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

#: The tag of the cell that the runner adds to a notebook and removes afterwards.
RUNNER_TAG = "netlens-record"

# What TensorFlow prints at start-up: information and warnings from its C++ code and, on machines with a GPU, complaints
# about libraries that are registered twice.
_NOISE = re.compile(
    r"WARNING: All log messages before absl::InitializeLog\(\)"
    r"|[IW]\d{4} [\d:.]+ +\d+ \S+:\d+\] "
    r"|[E]\d{4} [\d:.]+ +\d+ \S+:\d+\] Unable to register "
    r"|To enable the following instructions: "
)
# The end of the path of the file that a kernel writes for the source of a cell; folder and number are of one process.
_CELL_FILE = re.compile(r"/ipykernel_\d+/\d+\.py\b")
# Advice to those who call Keras directly, such as to save in another format.
_KERAS_WARNING = re.compile(r"\S*/site-packages/tf_keras/\S+:\d+: UserWarning: ")


def tidied(executed: Mapping[str, Any], notebook: str, final: Callable[[str], str]) -> dict[str, Any]:
    """Executed notebook without clutter, and with final paths.

    Parameters
    ----------
    executed
        The notebook as papermill wrote it, as parsed JSON.
    notebook
        Path of the stored notebook.
    final
        Maps a text to the same text with the paths of staged files replaced by their final ones.

    Returns
    -------
    dict
        A new notebook: without the runner's own cell and the lines that TensorFlow prints at start-up, with each
        progress bar in its last state, and with `final` applied to sources, outputs and recorded parameters. Numbers
        that JSON does not have are words (``"nan"``), so that programs other than Python can read it.
    """
    cells = [
        {**cell, "outputs": _tidy_outputs(cell["outputs"])} if "outputs" in cell else cell
        for cell in executed["cells"]
        if RUNNER_TAG not in cell.get("metadata", {}).get("tags", [])
    ]
    metadata = dict(executed["metadata"])
    if "papermill" in metadata:
        metadata["papermill"] = {**metadata["papermill"], "input_path": notebook}
    tidy: dict[str, Any] = _in_texts({**executed, "cells": cells, "metadata": metadata}, final)
    return tidy


def without_folders(text: str) -> str:
    """Text in which paths do not say where the checkout, the environment and the user's home are on this machine.

    Nor do they name the temporary file that a kernel writes for a cell, which is another one in each run.
    """
    text = _without_cell_files(text)
    places = {
        Path.cwd(): ".",
        Path(sys.prefix).resolve(): "(environment)",
        Path(sys.prefix): "(environment)",
        Path.home(): "~",
    }
    # The longest first, for one of these folders may be in another.
    for folder in sorted(places, key=lambda folder: -len(str(folder))):
        if folder != Path(folder.anchor):
            text = re.sub(rf"{re.escape(str(folder))}(?![\w.-])", places[folder], text)
    return text


def _without_cell_files(text: str) -> str:
    """Text with ``(cell)`` in place of the files of cells.

    The start of each path is looked for backwards from its end: a pattern for whole paths would take a time quadratic
    in the length of a text without spaces, and pictures are such texts of millions of letters.
    """
    parts, rest = [], 0
    for found in _CELL_FILE.finditer(text):
        before = text[rest : found.start()]
        start = max(before.rfind(mark) for mark in " \t\n\"'<>") + 1
        parts += [before[:start], "(cell)"]
        rest = found.end()
    return "".join([*parts, text[rest:]])


def _tidy_outputs(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outputs with consecutive streams of the same name joined and empty ones omitted."""
    tidy: list[dict[str, Any]] = []
    for stream, group in groupby(outputs, key=lambda output: output.get("name")):
        if stream is None:
            tidy += group
            continue
        text = _last_states("".join("".join(output["text"]) for output in group))
        if text.strip():
            tidy.append({"name": stream, "output_type": "stream", "text": text.splitlines(keepends=True)})
    return tidy


def _last_states(text: str) -> str:
    """Text as a terminal shows it after carriage returns, without messages of TensorFlow and Keras."""
    lines: list[str] = []
    warned = False
    for raw in text.split("\n"):
        line = raw.rstrip("\r").rsplit("\r", maxsplit=1)[-1]
        # The line below a warning repeats the code that gave it.
        repeated = warned and line.startswith("  ")
        warned = bool(_KERAS_WARNING.match(line))
        if not (warned or repeated or _NOISE.match(line)):
            lines.append(line)
    return "\n".join(lines)


def _in_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _in_texts(part, change) for key, part in value.items()}
    if isinstance(value, list):
        return [_in_texts(part, change) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
