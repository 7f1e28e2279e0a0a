"""``netlens site`` makes the supplement of what there is, and nothing for it."""

from contextlib import nullcontext

import pytest

from netlens.cli import build, main


def test_the_supplement_is_made_again_without_making_items(monkeypatch, capsys):
    runs = []
    monkeypatch.setattr(build, "_snakemake", lambda *arguments, **more: runs.append((arguments, more)) or 0)
    assert main(["site"]) == 0
    ((study, name, targets, _), more), *others = runs
    assert (study, name, targets, others) == ("demo", "demo", ["index"], [])
    assert more == {"forced": ["index"], "partial": True}
    assert capsys.readouterr().out == "site/demo/index.html\n"


@pytest.mark.parametrize("partial", [False, True])
def test_snakemake_is_told_that_the_study_may_be_incomplete(monkeypatch, tmp_path, partial):
    commands = []
    monkeypatch.setattr(build, "run_supervised", lambda command, *_: commands.append(command) or 0)
    monkeypatch.setattr(build, "templates", lambda *, many: nullcontext({}))
    monkeypatch.setattr(build, "only_run", nullcontext)
    monkeypatch.chdir(tmp_path)
    assert build._snakemake("demo", "demo", ["index"], build.Wishes("1"), partial=partial) == 0
    assert ("partial=yes" in commands[0]) == partial
    place = commands[0].index("--config")
    assert commands[0][place + 1 : place + 2 + partial] == ["study=demo", "partial=yes"][: 1 + partial]
