"""The paper is compiled with what its records say of a study, whether the study is given by its name or its file."""

from pathlib import Path

import pytest

from netlens.cli import jobs
from netlens.workflow import planned_jobs, study
from netlens.workflow.paper import compilation


@pytest.fixture
def doubted(records, monkeypatch):
    """What the paper is told not to trust."""
    told = {}
    monkeypatch.setattr(study, "load_study", lambda given: {"study": "small"})
    monkeypatch.setattr(jobs, "signal", type("signal", (), {"SIGTERM": 0, "signal": staticmethod(lambda *_: None)}))
    monkeypatch.setattr(
        compilation, "compile_paper", lambda study, main, output, doubted, *, draft: told.update(doubted)
    )
    return told


@pytest.mark.parametrize("given", ["small", "elsewhere/mine.yaml"])
def test_what_is_stale_is_told_whatever_the_study_is_called_by(doubted, records, given):
    Path(records.module).write_text("changed")
    assert jobs.compile_paper(given, "paper/main.tex", "paper/small.pdf") == 0
    assert doubted == {"tableRows": f"is stale: {records.module} has changed"}


def test_a_draft_compares_parameters_with_todays(doubted, records, monkeypatch):
    today = {f"{records.stem}.tex": {"parameters": {"rows": 500}, "seed": 0}}
    monkeypatch.setattr(planned_jobs, "configured_parameters", lambda config, study: today)
    assert jobs.compile_paper("small", "paper/main.tex", "paper/small.pdf") == 0
    assert not doubted
    assert jobs.compile_paper("small", "paper/main.tex", "paper/small-draft.pdf", draft=True) == 0
    assert list(doubted) == ["tableRows"] and "parameter" in doubted["tableRows"]
