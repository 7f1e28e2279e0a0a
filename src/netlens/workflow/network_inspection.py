"""The process in which `netlens.workflow.network_facts` starts TensorFlow; it ends with the one that asked for it."""

import os
import sys
from pathlib import Path

from netlens.workflow.lifeline import when_ended


def main(output: Path, asking: int) -> None:
    """Inspect the networks that are described on standard input; `asking` is the number of the process that asked."""
    when_ended(asking, lambda: os._exit(1))
    specs = sys.stdin.read()
    from netlens.models import built_inspection

    built_inspection.main(specs, output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
