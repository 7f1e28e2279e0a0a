"""``netlens doctor``: whether this machine has what netlens needs, and what mends what it lacks."""

import json
from dataclasses import asdict

from netlens.workflow.health import Finding, examine, examine_gpu


def print_findings(study: str, *, gpu: bool = False, as_json: bool = False) -> int:
    """Print a line for each thing that was looked at.

    Parameters
    ----------
    study
        The study that has to run.
    gpu
        Run a small computation on the GPU instead, and compare it with the CPU's.
    as_json
        Print plain data.

    Returns
    -------
    int
        1 if there is a problem, else 0.
    """
    findings = [examine_gpu()] if gpu else examine(study)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        _print(findings)
    return int(any(finding.status == "problem" for finding in findings))


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.about) for finding in findings)
    for finding in findings:
        print(f"{finding.status:<7}  {finding.about:<{width}}  {finding.words}")
        if finding.mend:
            print(f"{'':<7}  {'':<{width}}  mend it: {finding.mend}")
