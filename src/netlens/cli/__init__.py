"""The command line: a thin layer over Snakemake."""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import chdir, suppress
from pathlib import Path

from netlens.cli.command_line import command_line
from netlens.cli.place import Place
from netlens.workflow.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one ``netlens`` command, in the root of the checkout that holds the working directory.

    Returns
    -------
    int
        0 on success, 1 if a job failed, 2 for a mistake of the user, 128 and the number of the signal if interrupted.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        # So that processes that it has started end too. What the user ignores, as `nohup` does, stays ignored.
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)
    try:
        if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        place = Place.of(Path.cwd())
        parsed = command_line(place).parse_args(arguments)
        command: Callable[..., int] = parsed.command
        with chdir(place.root):
            return command(parsed)
    except UserError as error:
        for line in str(error).splitlines():
            print(f"netlens: error: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("netlens: error: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        # A full disk, or a file that may not be read or written.
        where = f"{error.filename}: " if error.filename else ""
        print(f"netlens: error: {where}{error.strerror or error}", file=sys.stderr)
        return 2


def _end(number: int, _frame: object) -> None:
    # The terminal may be gone.
    with suppress(OSError):
        print("netlens: error: interrupted", file=sys.stderr)
    raise SystemExit(128 + number)
