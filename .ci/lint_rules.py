"""Run ``snakemake --lint`` and fail on all that it finds, but for one thing that does not hold here.

Snakemake wants a conda environment or a container for each rule. Here all rules run in the one hashed environment that
Snakemake itself runs in; a ``conda:`` directive beside it would make Snakemake ask for conda where there is none.
"""

import re
import subprocess
import sys

EXPECTED = "Specify a conda environment or container for each rule"


def findings(report: str) -> list[str]:
    """Give each finding of a report in one line, with the rule or file that it is about."""
    found, about = [], ""
    for line in report.splitlines():
        if header := re.match(r"Lints for (.+):$", line):
            about = header[1]
        elif title := re.match(r" {4}\* (.+?)\.?:$", line):
            found.append(f"{about}: {title[1]}")
    return found


def main() -> int:
    """Lint the workflow of the working directory."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    found = findings(done.stdout)
    unexpected = [finding for finding in found if not finding.endswith(EXPECTED)]
    if unexpected:
        print("\n".join(unexpected))
    elif done.returncode and not found:
        # It could not read the workflow at all.
        print(done.stdout)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
