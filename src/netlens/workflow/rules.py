"""The names that rules are written with: outputs of an item, a notebook's job, the one shell command."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netlens.workflow.catalogue import CatalogueError, load_catalogue
from netlens.workflow.imports import code_of

__all__ = ["COMPILE_COMMAND", "MACRO_LIST_COMMAND", "PARTS_COMMAND", "RULE_COMMAND", "RuleNames"]

#: Every rule runs this: one notebook, described by the job.
RULE_COMMAND = (
    f"{sys.executable} -m netlens job {{params.job:q}} --files {{params.files:q}} --log {{log}} --threads {{threads}}"
)


def _paper_command(words: str) -> str:
    # What it says goes to the log and on to Snakemake, which passes it to the person who waits.
    command = f"{sys.executable} -m netlens {words} --study {{params.study:q}} --output {{output:q}}"
    return f"{command} 2>&1 | tee {{log:q}}"


#: What the paper's rules run: the list of macros, what the text says of its own making, and TeX.
MACRO_LIST_COMMAND = _paper_command("paper-macros")
PARTS_COMMAND = _paper_command("paper-parts")
COMPILE_COMMAND = _paper_command("compile --main {input.main:q}")


class RuleNames:
    """What the Snakefile hands to the rules of one study.

    Parameters
    ----------
    config
        The validated study.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.study: str = config["study"]
        self._config = config
        self._catalogue = load_catalogue()

    def result(self, path: str) -> str:
        """Path of an intermediate result; `path` may hold wildcards in braces."""
        return f"results/{self.study}/{path}"

    def notebook(self, name: str) -> dict[str, Any]:
        """Inputs of a rule that runs a notebook: its file and the code it imports; `name` is ``section/notebook``."""
        path = f"notebooks/{name}.ipynb"
        return {"notebook": path, "code": code_of(path)}

    def executed(self, name: str) -> str:
        """Path of an executed notebook, which is its rule's log; `name` is ``section/item``, wildcards in braces."""
        return self.result(f"executed/{name}.ipynb")

    def benchmark(self, name: str) -> str:
        """Path of the table of a rule's run time and memory; `name` may hold wildcards in braces."""
        return self.result(f"benchmarks/{name}.tsv")

    def outputs(self, item: str) -> list[str]:
        """Files that a figure, macro or page leaves behind.

        Raises
        ------
        CatalogueError
            The item is not in any catalogue.
        """
        if item not in self._catalogue:
            raise CatalogueError(f"item {item!r} is not in any notebooks/<section>/items.yaml; add it there")
        return [str(path) for path in self._catalogue[item].files(self.study)]

    def settings(self, section: str, *keys: str) -> dict[str, Any]:
        """Values that the study sets for some keys of a section, by key and in the given order."""
        return {key: self._config[section][key] for key in keys}

    def items(self, *kinds: str) -> list[str]:
        """Give the files of all items of the kinds, or of all items."""
        return [
            str(path)
            for item in self._catalogue.values()
            if not kinds or item.kind in kinds
            for path in item.files(self.study)
        ]

    def job(self, *, gpu: bool = False, **parameters: Any) -> Callable[..., str]:
        """Describe what a rule's notebook is given by configuration.

        Parameters
        ----------
        gpu
            Whether the notebook computes with TensorFlow and wants a GPU where there is one.
        **parameters
            The notebook's configured parameters; a function of the wildcards is called with them.

        Returns
        -------
        callable
            From wildcards to JSON, for the rule's ``params.job``. It takes nothing else, since Snakemake makes a
            rule's outputs again for a changed value only when that value does not derive from input or output.
        """

        def describe(wildcards: Any) -> str:
            return json.dumps(
                {
                    "parameters": {
                        key: value(wildcards) if callable(value) else value for key, value in parameters.items()
                    },
                    "ambient": {"study": self.study, "seed": self._config["seed"], **dict(wildcards.items())},
                    "study": self.study,
                    "gpu": gpu,
                }
            )

        return describe

    def files(self, wildcards: Any, input: Any, output: Any) -> str:
        """Describe a rule's named inputs and its outputs as JSON, for the rule's ``params.files``."""
        inputs = {name: _plain(value) for name, value in input.items()}
        notebook = inputs.pop("notebook")
        inputs.pop("code", None)
        named = {key: str(value) for key, value in output.items()}
        return json.dumps(
            {
                "name": self._job_name(notebook, output),
                "notebook": notebook,
                "inputs": inputs,
                "outputs": named or [str(path) for path in output],
            }
        )

    def _job_name(self, notebook: str, output: Any) -> str:
        """Name a job by the item that it makes, or else by its notebook and first output."""
        for item in self._catalogue.values():
            if str(output[0]) == str(item.files(self.study)[0]):
                return item.name
        first = str(output[0]).removeprefix(f"results/{self.study}/").rsplit(".", maxsplit=1)[0]
        return f"{Path(notebook).stem}[{first.replace('/', '-')}]"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else [str(part) for part in value]
