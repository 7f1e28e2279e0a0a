"""What the rules are written with: paths of outputs, jobs of notebooks, and shell commands."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from snakemake.io import report

from netlens.workflow.applicability import absent_items, has_patterns
from netlens.workflow.catalogue import CatalogueError, load_catalogue
from netlens.workflow.external_files import real_path
from netlens.workflow.imports import code_of
from netlens.workflow.job_memory import memory_mb
from netlens.workflow.network_specs import section_network, weights_megabytes
from netlens.workflow.study_subject import FoundFacts

_Row = TypeVar("_Row")

__all__ = ["COMPILE_COMMAND", "MACRO_LIST_COMMAND", "PARTS_COMMAND", "RULE_COMMAND", "RuleNames"]

#: The command of every rule that runs a notebook, as described by the job: `netlens.workflow.preloaded_client` runs it.
RULE_COMMAND = (
    '"$NETLENS_PYTHON" -I -S "$NETLENS_CLIENT" runner netlens '
    "job {params.job:q} --files {params.files:q} --log {log:q} --threads {threads}"
)


def _paper_command(words: str, output: str = "output") -> str:
    # The output goes to the log and to Snakemake, which shows it to the user.
    command = f'"$NETLENS_PYTHON" -m netlens {words} --study {{params.study:q}} --output {{{output}:q}}'
    return f"{command} 2>&1 | tee {{log:q}}"


#: Commands of the paper's rules: the list of macros, the description of how the paper was made, and TeX.
MACRO_LIST_COMMAND = _paper_command("paper-macros")
PARTS_COMMAND = _paper_command("paper-parts", "output.parts")
COMPILE_COMMAND = _paper_command("compile --main {input.main:q}")


class RuleNames:
    """Paths, settings and jobs of one study, for its rules.

    Parameters
    ----------
    config
        The validated study.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.study: str = config["study"]
        self._config = config
        self._catalogue = load_catalogue()
        self._facts = FoundFacts(config)
        self._absent = absent_items(config, self._catalogue, self._facts)
        self._item_of = {str(item.files(self.study)[0]): item.name for item in self._catalogue.values()}
        #: GPUs that a job with TensorFlow asks for.
        self.gpu = 0 if os.environ.get("NETLENS_DEVICE") == "cpu" else 1

    def applies(self, item: str) -> bool:
        """Whether the study has an item; what it lacks for the others is in `netlens.workflow.applicability`."""
        return item not in self._absent

    def applicable(self, table: Mapping[str, _Row]) -> dict[str, _Row]:
        """Rows of a section's table of items, without the items that the study cannot have."""
        return {item: row for item, row in table.items() if self.applies(item)}

    def has_section(self, section: str) -> bool:
        """Whether the study has any item of a section."""
        return any(self.applies(item.name) for item in self._catalogue.values() if item.section == section)

    def has_patterns(self, network: str) -> bool:
        """Whether the study estimates patterns of a network, beside those of its section."""
        return self.has_section("pattern_attribution") and has_patterns(self._config, network, self._facts)

    def result(self, path: str) -> str:
        """Path of an intermediate result; `path` may contain wildcards in braces."""
        return f"results/{self.study}/{path}"

    def notebook(self, name: str) -> dict[str, Any]:
        """Inputs of a rule that runs a notebook: the file and the code it imports; `name` is ``section/notebook``."""
        path = f"notebooks/{name}.ipynb"
        return {"notebook": path, "code": code_of(path)}

    def executed(self, name: str) -> str:
        """Return the path of an executed notebook, its rule's log; `name` is ``section/item``, wildcards in braces."""
        return self.result(f"executed/{name}.ipynb")

    def memory(self, name: str) -> Callable[..., int]:
        """Function that says how much memory a job asks for, in megabytes; `name` is ``section/notebook``.

        It depends on the size of the network that the rule's wildcard names, or else of the one that the section
        studies.
        """

        def asked(wildcards: Any, attempt: int) -> int:
            network = getattr(wildcards, "network", "") or section_network(self._config, name.split("/", maxsplit=1)[0])
            return memory_mb(name, attempt, network_mb=weights_megabytes(self._config, network))

        return asked

    def outputs(self, item: str) -> list[str]:
        """Output files of a figure, macro or page; a figure's picture is marked for ``snakemake --report``.

        Raises
        ------
        CatalogueError
            The item is not in any catalogue.
        """
        if item not in self._catalogue:
            raise CatalogueError(f"item {item!r} is not in any notebooks/<section>/items.yaml; add it there")
        found = self._catalogue[item]
        return [
            report(str(path), category=found.section, labels={"figure": found.name, "shows": found.shows})
            if path.suffix == ".png"
            else str(path)
            for path in found.files(self.study)
        ]

    def settings(self, section: str, *keys: str) -> dict[str, Any]:
        """Values of some settings of a section, by key, in the given order."""
        return {key: self._config[section][key] for key in keys}

    def items(self, *kinds: str, but: str = "") -> list[str]:
        """Output files of the study's items of the given kinds, or of all if none is given, without the item `but`."""
        return [
            str(path)
            for item in self.applicable(self._catalogue).values()
            if (not kinds or item.kind in kinds) and item.name != but
            for path in item.files(self.study)
        ]

    def job(self, *, gpu: bool = False, **parameters: Any) -> Callable[..., str]:
        """Function that describes a rule's job as JSON: the values that its notebook gets from the configuration.

        Parameters
        ----------
        gpu
            Whether the notebook uses TensorFlow and should run on a GPU if there is one.
        **parameters
            The notebook's parameters. A function is called with the wildcards and returns the value.

        Returns
        -------
        callable
            Maps wildcards to JSON, for the rule's ``params.job``. Wildcards are its only argument, because Snakemake
            remakes a rule's outputs after a change of a parameter only if that does not depend on input or output.
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
        """A rule's named inputs and its outputs as JSON, for the rule's ``params.files``."""
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
        """Name of a job: the item that it makes, or else its notebook and first output."""
        if item := self._item_of.get(str(output[0])):
            return item
        first = str(output[0]).removeprefix(f"results/{self.study}/").rsplit(".", maxsplit=1)[0]
        return f"{Path(notebook).stem}[{first.replace('/', '-')}]"


def _plain(value: Any) -> Any:
    return real_path(str(value)) if isinstance(value, str) else [real_path(str(part)) for part in value]
