"""What a dry run of Snakemake prints is read into jobs."""

import json
import shlex

import pytest

from netlens.workflow import planned_jobs
from netlens.workflow.errors import UserError

DESCRIBED = {"parameters": {"rows": 3}, "ambient": {"study": "small", "seed": 7}, "study": "small", "gpu": True}
FILES = {
    "name": "sums[a, b]",
    "notebook": "notebooks/data/sums.ipynb",
    "inputs": {},
    "outputs": {"sums": "results/small/it's, one.npz", "record": "results/small/sums.json"},
}
OUTPUT = f"""Building DAG of jobs...
Job stats:
job       count
------  -------
sums          1

[Sun Nov 29 07:59:18 2026]
rule sums:
    input: results/small/images.zip, notebooks/data/sums.ipynb
    output: results/small/it's, one.npz, results/small/sums.json
    jobid: 3
    reason: Missing output files: results/small/sums.json
    wildcards: network=a
    threads: 2
    resources: tmpdir=/tmp, gpu=1, mem_mb=1555, mem=1.55 GB
Shell command: "$NETLENS_PYTHON" -I job {shlex.quote(json.dumps(DESCRIBED))} --files {shlex.quote(json.dumps(FILES))}

[Sun Nov 29 07:59:18 2026]
rule paper:
    input: results/small/sums.json
    output: paper/small.pdf
    jobid: 2
    resources: tmpdir=/tmp
Shell command: "$NETLENS_PYTHON" -m netlens compile

[Sun Nov 29 07:59:19 2026]
rule all:
    input: paper/small.pdf
    jobid: 0
"""


def test_jobs_have_what_their_commands_say():
    sums, paper = planned_jobs.jobs_of_dry_run(OUTPUT.splitlines())
    assert (sums.name, sums.notebook, sums.parameters, sums.seed) == ("sums[a, b]", FILES["notebook"], {"rows": 3}, 7)
    assert sums.outputs == ("results/small/it's, one.npz", "results/small/sums.json")
    assert (sums.key, sums.threads, sums.gpu) == ("results/small/it's, one.npz", 2, True)
    assert (sums.memory_mb, paper.memory_mb) == (1555, 0)
    assert sums.reason == "Missing output files: results/small/sums.json"
    assert (paper.name, paper.notebook, paper.outputs, paper.gpu) == ("paper", "", ("paper/small.pdf",), False)


def test_nothing_to_do():
    assert list(planned_jobs.jobs_of_dry_run(["Nothing to be done (all requested files are present)."])) == []


def test_what_snakemake_refuses_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^Snakemake cannot say what would run: [^\n]*$"):
        planned_jobs.planned_jobs("small", ["all"])


class TestConfigured:
    """What the configuration gives to jobs is asked of Snakemake once."""

    @pytest.fixture(autouse=True)
    def project(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "Snakefile").write_text("")
        self.asked = 0

        def ask(*arguments, **more):
            self.asked += 1
            return list(planned_jobs.jobs_of_dry_run(OUTPUT.splitlines()))

        monkeypatch.setattr(planned_jobs, "planned_jobs", ask)

    def find(self, **config):
        return planned_jobs.configured_parameters({"study": "small", **config}, "small")

    def test_only_a_change_asks_again(self, tmp_path):
        expected = {"results/small/it's, one.npz": {"parameters": {"rows": 3}, "seed": 7}}
        assert self.find() == self.find() == expected
        assert self.asked == 1
        self.find(seed=2)
        assert self.asked == 2
        (tmp_path / "Snakefile").write_text("rule all:\n")
        self.find(seed=2)
        assert self.asked == 3

    def test_a_damaged_answer_is_asked_for_again(self, tmp_path):
        self.find()
        (tmp_path / "results/.jobs/small.json").write_text("{")
        assert self.find() and self.asked == 2

    def test_without_rules_there_is_nothing_to_ask(self, tmp_path):
        (tmp_path / "Snakefile").unlink()
        assert self.find() is None and self.asked == 0
