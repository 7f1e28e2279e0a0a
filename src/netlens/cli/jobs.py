"""Commands that the rules call: run a notebook, write parts of the paper, compile the paper."""

import functools
import json
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from netlens.workflow import runner
from netlens.workflow.catalogue import load_catalogue
from netlens.workflow.errors import UserError
from netlens.workflow.job import Job


def run_job(described: str, files: str, log: str, threads: int) -> int:
    """Run the notebook of a rule; `described` and `files` are the JSON that `netlens.workflow.rules` makes."""
    fields = {**json.loads(described), **json.loads(files)}
    item = load_catalogue().get(fields["name"])
    job = Job(**fields, log=log, threads=threads, caption=item.caption if item else "")
    return _guarded(job.name, lambda: runner.run(job))


def try_notebook(notebook: str, settings: list[str], stem: str | None, log: str | None) -> int:
    """Execute a notebook with its own defaults, changed by `settings`; outputs are written in place."""
    values: dict[str, Any] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator:
            raise UserError(f"--set {setting}: write NAME=VALUE")
        values[name] = yaml.safe_load(value)
    if stem is not None:
        values["stem"] = stem
    path = Path(notebook)
    if not path.is_file():
        raise UserError(f"{notebook}: no such notebook")
    executed = log or str(Path("results") / "tried" / path.parent.name / path.name)
    return _guarded(path.stem, lambda: runner.try_notebook(notebook, values, executed))


def write_macro_list(study: str, output: str) -> int:
    """Write the file that inputs every macro of a study."""
    from netlens.workflow.paper import parts

    return _guarded("macros_all", lambda: parts.write_macro_list(study, Path(output)))


def write_paper_parts(study: str, output: str) -> int:
    """Write the parts of the paper that come from the catalogue and the provenance records."""
    from netlens.review.claims_table import tex_claims
    from netlens.workflow.paper import parts

    return _guarded("paper_parts", lambda: parts.write_parts(study, Path(output), claims=tex_claims(study)))


def compile_paper(study: str, main: str, output: str, *, draft: bool = False) -> int:
    """Compile the paper of a study; numbers and figures that are not as their records say are refused, or marked."""
    from netlens.review.item_state import item_states
    from netlens.workflow.paper import compilation
    from netlens.workflow.planned_jobs import configured_parameters
    from netlens.workflow.study import load_study

    def work() -> None:
        config = load_study(study)
        # The run that compiles the paper itself has made everything with today's parameters; a draft makes nothing.
        configured = functools.partial(configured_parameters, config, study) if draft else None
        states = item_states(config["study"], configured=configured)
        doubted = {
            name: f"is {state.state}: {state.detail}"
            for name, state in states.items()
            if state.state in ("stale", "edited")
        }
        compilation.compile_paper(study, Path(main), Path(output), doubted, draft=draft)

    return _guarded("paper", work)


def _guarded(name: str, work: Callable[[], None]) -> int:
    """Call `work`; report a mistake of the user in one line, and a defect of netlens with its traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        work()
    except UserError as error:
        for line in str(error).splitlines():
            print(f"netlens: error: {line}", file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"netlens: error: {name}: {error.strerror or error}{where}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception:
        traceback.print_exc()
        print(
            f"netlens: error: {name}: unexpected error (traceback above); please report it", file=sys.stderr, flush=True
        )
        return 1
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
