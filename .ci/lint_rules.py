"""Run ``snakemake --lint`` and fail on all of its findings, except for one that does not apply here.

Snakemake recommends a conda environment or container for each rule. Here all rules run in the same environment of
hashed packages as Snakemake itself; with a ``conda:`` directive, Snakemake would require conda.
"""

import re
import subprocess
import sys

EXPECTED = "Specify a conda environment or container for each rule"


def findings(report: str) -> list[str]:
    """Findings of a report, one line each, with the rule or file concerned."""
    found, about = [], ""
    for line in report.splitlines():
        if header := re.match(r"Lints for (.+):$", line):
            about = header[1]
        elif title := re.match(r" {4}\* (.+?)\.?:$", line):
            found.append(f"{about}: {title[1]}")
    return found


def main() -> int:
    """Lint the workflow in the working directory, and return the exit status."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    found = findings(done.stdout)
    unexpected = [finding for finding in found if not finding.endswith(EXPECTED)]
    if unexpected:
        print("\n".join(unexpected))
    elif done.returncode and not found:
        # Snakemake could not read the workflow.
        print(done.stdout)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
