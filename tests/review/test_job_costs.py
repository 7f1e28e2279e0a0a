"""Costs of jobs: the surest source wins, times follow the machine, and jobs that wait do not overlap."""

from pathlib import Path

import pytest

from netlens.review.job_costs import (
    Cost,
    PublishedCosts,
    costs_file,
    estimate,
    load_costs,
    save_costs,
    total,
)
from netlens.workflow.errors import UserError
from netlens.workflow.planned_jobs import PlannedJob
from netlens.workflow.records import Record

NOTEBOOK = "notebooks/data/sums.ipynb"


def job(output: str, inputs: tuple[str, ...] = (), *, threads: int = 1, gpu: bool = False) -> PlannedJob:
    return PlannedJob("rule", output, inputs, (output,), NOTEBOOK, threads=threads, gpu=gpu)


def record(output: str, seconds: float, notebook: str = NOTEBOOK, **machine: object) -> Record:
    fields = {
        "rule": output,
        "inputs": {},
        "code": {},
        "outputs": {output: ""},
        "notebook": {"path": notebook, "sha256": ""},
        "duration_s": seconds,
        "processor_s": seconds / 2,
        "peak_memory_mb": 100,
        "machine": {"processor": "P", "cores": 2, "memory_gb": 8, **machine},
    }
    return Record.of(Path("record.json"), fields)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PublishedCosts:
    """Two jobs, published from a machine that takes 0.5 s for the calibration."""
    monkeypatch.chdir(tmp_path)
    save_costs([record("results/a.npz", 40), record("figures/b.pdf", 8, "b.ipynb")], "small", 0.5)
    return load_costs("small")


def sources(jobs: list[PlannedJob], here: dict[str, Record], published: PublishedCosts) -> list[tuple[float, str]]:
    found = estimate(jobs, here, published, 1.0)
    return [(cost.duration_s, cost.source) if cost else (0.0, "") for _, cost in found]


def test_published_times_follow_the_machine(published: PublishedCosts) -> None:
    assert sources([job("results/a.npz")], {}, published) == [(80.0, "published")]
    (_, cost), *_ = estimate([job("results/a.npz")], {}, published, 1.0)
    assert cost is not None and (cost.processor_s, cost.memory_mb) == (40.0, 100)


def test_what_was_recorded_here_comes_first_and_is_not_scaled(published: PublishedCosts) -> None:
    here = {"results/a.npz": record("results/a.npz", 30)}
    assert sources([job("results/a.npz")], here, published) == [(30.0, "recorded here")]


def test_a_kept_result_costs_no_time(published: PublishedCosts) -> None:
    found = estimate([job("results/a.npz"), job("results/b.npz")], {}, published, 1.0, {"results/a.npz"})
    assert [(cost.duration_s, cost.source) for _, cost in found if cost] == [
        (0.0, "kept"),
        (80.0, "median of its notebook"),
    ]


def test_an_unknown_job_costs_what_others_of_its_notebook_or_kind_do(published: PublishedCosts) -> None:
    here = {name: record(name, seconds) for name, seconds in (("results/c.npz", 10), ("results/d.npz", 30))}
    assert sources([job("results/new.npz")], here, published) == [(30.0, "median of its notebook")]
    other = PlannedJob("rule", "new", (), ("figures/new.pdf",), "other.ipynb")
    assert sources([other], here, published) == [(16.0, "median of its kind")]
    assert sources([PlannedJob("paper", "paper", (), ("paper/small.pdf",))], here, published) == [(0.0, "")]


def test_nothing_known_is_no_guess() -> None:
    assert sources([job("results/a.npz")], {}, PublishedCosts()) == [(0.0, "")]


def test_costs_of_other_jobs_and_machines_stay(published: PublishedCosts) -> None:
    save_costs([record("results/a.npz", 10, cores=64)], "small", 0.25)
    again = load_costs("small")
    assert [machine["calibration_s"] for machine in again.machines] == [0.5, 0.25]
    assert sources([job("results/a.npz"), job("figures/b.pdf")], {}, again) == [
        (40.0, "published"),
        (16.0, "published"),
    ]
    save_costs([], "small", 1.0)
    assert load_costs("small") == again


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"machines": [], "jobs": {"a": [0, 1, 1, 1, 1, "n"]}}',
        '{"machines": [{"calibration_s": 0}], "jobs": {}}',
        '{"machines": [{"calibration_s": 1}], "jobs": {"a": [0, -1, 1, 1, 1, "n"]}}',
        '{"machines": [{"calibration_s": 1}], "jobs": {"a": []}}',
    ],
)
def test_a_damaged_file_is_one_line(published: PublishedCosts, text: str) -> None:
    costs_file("small").write_text(text)
    with pytest.raises(UserError, match=r"^reference/small/costs.json: damaged costs \([^\n]*git checkout [^\n]*$"):
        load_costs("small")


def schedule(jobs: list[PlannedJob], cores: int) -> tuple[float, float]:
    found = total([(each, Cost(10, 5, 100, 1)) for each in jobs], cores)
    return found.wall_s, found.memory_mb


def test_jobs_share_cores_and_wait_for_their_inputs() -> None:
    apart = [job("a"), job("b")]
    assert schedule(apart, 2) == (10, 200)
    assert schedule(apart, 1) == (20, 100)
    assert schedule([job("b", ("a",)), job("a")], 2) == (20, 100)
    assert schedule([job("a", threads=2), job("b")], 2) == (20, 100)
    assert schedule([job("a", threads=8)], 2) == (10, 100)
    assert schedule([job("a", gpu=True), job("b", gpu=True)], 2) == (10, 200)
    assert schedule([], 2) == (0, 0)


def test_as_many_jobs_with_tensorflow_as_gpus() -> None:
    costs = [(job(name, gpu=True), Cost(10, 5, 100, 1)) for name in "abc"]
    assert [total(costs, 4, gpus).wall_s for gpus in (0, 1, 2, 3)] == [10, 30, 20, 10]
