"""One run of a notebook: what it reads, what it writes, and what it may use."""

from dataclasses import dataclass, field
from typing import Any

from netlens.workflow.errors import UserError


class NotebookError(UserError):
    """A notebook failed, or did not write the outputs of its rule."""


@dataclass(frozen=True)
class Job:
    """Inputs and outputs of one run of a notebook.

    Attributes
    ----------
    name
        Name of the rule, including its wildcards.
    notebook
        Path of the stored notebook.
    outputs
        Final paths. The one that ends in ``.json`` is the provenance record. If it is a list, all paths have the same
        stem, which the notebook gets as the parameter ``stem``; if it is a dictionary, its keys are parameters.
    log
        Where the executed notebook is saved, even if a cell fails.
    inputs
        Input files by parameter.
    parameters
        Configured values by parameter.
    ambient
        Values that a notebook gets only if it has a parameter of that name: study, seed, wildcards. A notebook with a
        parameter ``kept`` gets a folder there that outlives a killed job, for what it can go on with.
    study
        Name of the study.
    threads
        Number of threads for numerical libraries.
    gpu
        Whether the notebook runs on a GPU if there is one.
    caption
        Stored in the provenance record.
    """

    name: str
    notebook: str
    outputs: dict[str, str] | list[str]
    log: str
    inputs: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    ambient: dict[str, Any] = field(default_factory=dict)
    study: str = "demo"
    threads: int = 1
    gpu: bool = False
    caption: str = ""
