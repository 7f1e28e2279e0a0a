"""The script that completes commands, as a shell uses it."""

import os
import pty
import select
import shutil
import subprocess
import time
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from netlens.cli import main

ROOT = Path(__file__).parents[2]
#: Does what bash does when a key is pressed after a line: $1 is the script, $2 the line.
PRESS = """
source "$1"
read -ra COMP_WORDS <<<"$2"
[[ $2 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
$(complete -p netlens | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """Paths of the scripts by shell."""
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh"):
        with (folder / shell).open("w") as file, redirect_stdout(file):
            assert main(["completion", shell]) == 0
    return {shell: folder / shell for shell in ("bash", "zsh")}


def completed(scripts, line, folder):
    """Words that bash completes the last word of a line to."""
    command = ["bash", "-c", PRESS, "bash", str(scripts["bash"]), line]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("netlens ver", {"verify"}),
        ("netlens run per_lay", {"per_layer"}),
        ("netlens run per_layer heldoutAcc", {"heldoutAccuracy"}),
        ("netlens list --stu", {"--study"}),
        ("netlens list --study ", {"demo", "cifar10", "imagenet"}),
        ("netlens list --state e", {"edited"}),
        ("netlens cache ", {"export", "import", "clear"}),
        ("netlens bench timel", {"timeline"}),
        ("netlens verify --html ../READ", {"../README.md"}),
        ("netlens job", set()),
    ],
)
def test_bash_completes(scripts, line, words):
    assert completed(scripts, line, ROOT / "paper") == words


def test_outside_a_checkout_there_are_no_names(scripts, tmp_path):
    assert completed(scripts, "netlens run per_lay", tmp_path) == set()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_can_be_read_and_names_no_folder_of_this_machine(scripts, shell):
    text = scripts[shell].read_text()
    assert "_netlens_items" in text and str(ROOT) not in text
    if shutil.which(shell):
        assert subprocess.run([shell, "-n", str(scripts[shell])], capture_output=True, check=False).returncode == 0


def test_in_zsh_too_any_number_of_names_is_completed(scripts):
    lines = [line for line in scripts["zsh"].read_text().splitlines() if "_netlens_items_add" in line]
    assert sum('"*:' in line for line in lines) >= 5
    assert not any("(*)" in line for line in lines)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("netlens ver", "netlens verify "),
        ("netlens run per_layer heldoutAcc", "netlens run per_layer heldoutAccuracy "),
        ("netlens list --state e", "netlens list --state edited "),
        ("netlens list --study ", "imagenet"),
    ],
)
def test_zsh_completes(scripts, tmp_path, line, shown):
    (tmp_path / "_netlens").write_text(scripts["zsh"].read_text())
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT / "paper")
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "TERM": "dumb", "PS1": "> "})
    ready = f"fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u -D; print re''ady\n"
    os.write(terminal, ready.encode())
    _read(terminal, "ready\r")
    os.write(terminal, f"{line}\t".encode())
    try:
        _read(terminal, shown)
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


def _read(terminal, text):
    """Read from a terminal until it has shown a text."""
    seen, deadline = "", time.monotonic() + 20
    while text not in seen:
        assert select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0], seen
        seen += os.read(terminal, 65536).decode(errors="replace")
