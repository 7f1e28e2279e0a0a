"""A hook of MkDocs: every notebook in docs/tutorials becomes a page, executed when the site is built.

With NETLENS_RUN_TUTORIALS=0 the notebooks are shown as they are stored, without outputs, which takes seconds.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import MarkdownExporter

from netlens.workflow.executed import tidied

CELL_TIMEOUT_S = 600

# Keras warns of a property that it uses itself, and of HDF5 files, which are what it can write without eager execution.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONWARNINGS": "ignore:`Model.state_updates`:UserWarning,ignore:You are saving your model:UserWarning",
}


def on_files(files: Files, *, config: Any) -> Files:
    """Return the site's files, with a page and its images in the place of each tutorial's notebook."""
    for file in [file for file in files if file.src_uri.startswith("tutorials/") and file.src_uri.endswith(".ipynb")]:
        files.remove(file)
        source = Path(file.abs_src_path)
        notebook = nbformat.read(source, as_version=4)
        if os.environ.get("NETLENS_RUN_TUTORIALS", "1") != "0":
            execute(notebook, source)
            # Without what TensorFlow prints while it starts.
            tidy = tidied(notebook, file.src_uri, lambda text: text)
            notebook = nbformat.reads(json.dumps(tidy), as_version=4)
        page, resources = MarkdownExporter().from_notebook_node(
            notebook, {"output_files_dir": f"{source.stem}_files", "unique_key": source.stem}
        )
        files.append(File.generated(config, file.src_uri.removesuffix(".ipynb") + ".md", content=page))
        for name, content in resources["outputs"].items():
            files.append(File.generated(config, f"tutorials/{name}", content=content))
    return files


def execute(notebook: nbformat.NotebookNode, source: Path) -> None:
    """Run a notebook in its own folder, and keep the outputs in it; a cell that fails ends the build."""
    with tempfile.TemporaryDirectory() as sockets:
        # Over TCP, every kernel would warn that other users of the machine can listen.
        manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{sockets}/kernel")
        client = NotebookClient(
            notebook, km=manager, timeout=CELL_TIMEOUT_S, resources={"metadata": {"path": str(source.parent)}}
        )
        try:
            client.execute(env=os.environ | ENVIRONMENT)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise PluginError(f"{source.name}: {error}") from None
