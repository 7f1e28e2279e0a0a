"""The rules as Snakemake reads them: one for each item, by its name, with all that its notebook depends on."""

import contextlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

from netlens.workflow import rules
from netlens.workflow.catalogue import CatalogueError, load_catalogue
from netlens.workflow.imports import code_of
from netlens.workflow.study import load_study

ROOT = Path(__file__).parents[2]
ITEMS = load_catalogue(ROOT / "notebooks")
# Notebooks that people open themselves: no rule runs them.
INTERACTIVE = {"notebooks/spatial_attribution/interactive.ipynb"}
# Items that a study has only if it names something more, and the notebooks that make nothing else.
ON_REQUEST = {
    "checkpointSize", "trainingTime",
    *(name for name in ITEMS if name.startswith("beside")), "inter_layer_networks", "published_patterns",
    "publishedPatternCosine",
}  # fmt: skip
NOTEBOOKS_ON_REQUEST = {
    f"notebooks/pattern_attribution/{name}.ipynb"
    for name in ("inter_layer_networks", "published_agreement", "published_number", "published_patterns")
}
NOTEBOOKS = {path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("*/*.ipynb")}


@pytest.fixture(scope="module")
def workflow():
    """The rules of the demo study by name."""
    with contextlib.chdir(ROOT), SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        loaded = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config={"study": "demo"}),
            snakefile=Path("Snakefile"),
        )
        # The public interface prints the names of rules, and shows nothing else of them.
        return {rule.name: rule for rule in loaded._workflow.rules}


@pytest.fixture(scope="module")
def with_notebooks(workflow):
    """The rules that run a notebook."""
    return [rule for rule in workflow.values() if "notebook" in dict(rule.input.items())]


def paths(files):
    return [str(file) for file in files]


def parameters(rule):
    """What the study configures of an item, which has no wildcards."""
    return json.loads(rule.params.job({}))["parameters"]


# ---- the rules


def test_every_notebook_asks_for_memory(with_notebooks):
    asked = {rule.name: rule.resources["mem_mb"] for rule in with_notebooks if "mem_mb" in rule.resources}
    assert asked.keys() == {rule.name for rule in with_notebooks}


def test_items_are_made_where_snakemake_runs(workflow):
    assert all(rule.ruleinfo.localrule for name, rule in workflow.items() if name in ITEMS)
    assert not any(workflow[name].ruleinfo.localrule for name in ("kernels", "pattern_sums", "spatial_scores"))


@pytest.mark.slow
def test_each_number_and_figure_of_the_text_is_made_by_one_rule(workflow):
    makers = Counter(path for rule in workflow.values() for path in paths(rule.output))
    files = [path for folder in ("sections", "studies") for path in sorted((ROOT / "paper" / folder).glob("*.tex"))]
    text = "\n".join([*(path.read_text() for path in files), *(item.caption for item in ITEMS.values())])
    assert "\\includegraphics" not in text, "a picture of no rule"
    placed = set(re.findall(r"\\netlensfigure\{(\w+)\}", text))
    assert placed <= {name for name, item in ITEMS.items() if item.kind == "figure"}
    commands = set(re.findall(r"\\([A-Za-z]+)", text))
    used = placed | {name for name, item in ITEMS.items() if item.kind == "macro" and name in commands}
    assert len(used) > 100
    wrong = {name: [makers[str(path)] for path in ITEMS[name].files("demo")] for name in used - ON_REQUEST}
    assert {name: counts for name, counts in wrong.items() if set(counts) != {1}} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ITEMS)
def test_an_item_has_a_rule_of_its_name_that_makes_its_files(workflow, name):
    if name not in workflow:
        assert name in ON_REQUEST
        return
    # The supplement's first page comes with a folder of pages.
    own = ["site/demo/items"] if name == "index" else []
    assert sorted(paths(workflow[name].output)) == sorted([*paths(ITEMS[name].files("demo")), *own])
    assert paths(workflow[name].log) == [f"results/demo/executed/{ITEMS[name].section}/{name}.ipynb"]


@pytest.mark.slow
def test_an_item_is_made_by_no_other_rule(workflow):
    made = {path: name for name in ITEMS for path in paths(ITEMS[name].files("demo"))}
    for rule in workflow.values():
        assert {made.get(path, rule.name) for path in paths(rule.output)} <= {rule.name}


def test_no_two_items_are_made_in_the_same_way(workflow):
    ways = {}
    for name in ITEMS.keys() & workflow.keys():
        way = json.dumps([paths(workflow[name].input), parameters(workflow[name])])
        assert way not in ways, f"{name} and {ways.get(way)} run one notebook with the same inputs and parameters"
        ways[way] = name


@pytest.mark.parametrize(
    ("name", "notebook", "expected"),
    [
        (
            "weightChainRatioLogTen",
            "pattern_attribution/singular_ratio_number",
            {"matrix": "weights", "summary": "chain", "log10": True},
        ),
        (
            "secondGroupVarianceThree",
            "weights/factor_number",
            {"group": "second_group", "quantity": "variance", "number": 3},
        ),
        (
            "comparedSecond",
            "model_comparison/numbers",
            {"first": "mobilenet_v2", "second": "mobilenet_v2", "quantity": "name"},
        ),
    ],
)
def test_an_item_has_its_own_parameters(workflow, name, notebook, expected):
    assert str(workflow[name].input.notebook) == f"notebooks/{notebook}.ipynb"
    assert parameters(workflow[name]) == expected


def test_pictures_of_figures_are_in_snakemakes_report(workflow):
    for name, item in ITEMS.items():
        if name in workflow:
            reported = [file for file in workflow[name].output if "report" in getattr(file, "flags", {})]
            expected = [f"{item.stem('demo')}.png"] if item.kind == "figure" else []
            assert paths(reported) == expected, name


def test_every_notebook_is_run_by_a_rule(with_notebooks):
    run = {str(rule.input.notebook) for rule in with_notebooks}
    assert run <= NOTEBOOKS - INTERACTIVE
    assert NOTEBOOKS - INTERACTIVE - run <= NOTEBOOKS_ON_REQUEST


@pytest.mark.slow
def test_a_notebooks_rule_depends_on_its_code_and_leaves_the_executed_notebook_as_its_log(with_notebooks):
    for rule in with_notebooks:
        assert paths(rule.input.code) == code_of(str(rule.input.notebook)), rule.name
        # What reads files that no rule makes has a digest of them.
        assert set(rule.params.keys()) - {"content"} == {"job", "files"}, rule.name
        assert rule.shellcmd == rules.RULE_COMMAND, rule.name
        assert len(rule.log) == 1 and str(rule.log[0]).startswith("results/demo/executed/"), rule.name


def test_rules_hold_no_code(workflow):
    commands = {rules.RULE_COMMAND, rules.MACRO_LIST_COMMAND, rules.PARTS_COMMAND, rules.COMPILE_COMMAND}
    for rule in workflow.values():
        assert not (rule.is_run or rule.is_script or rule.is_notebook or rule.is_wrapper), rule.name
        assert rule.shellcmd in commands or (rule.name == "all" and rule.shellcmd is None), rule.name


def test_another_path_of_python_changes_no_rule(workflow):
    for rule in workflow.values():
        command = rule.shellcmd or ""
        assert sys.executable not in command and sys.prefix not in command, rule.name
        assert str(ROOT) not in command, rule.name


def test_the_supplement_shows_everything_but_itself(workflow, names):
    shown = set(paths(workflow["index"].input.shown))
    own = set(names.outputs("index"))
    assert set(names.items()) - own <= shown and not own & shown
    assert {"paper/claims.yaml", "notebooks/weights/items.yaml", "config/demo.yaml", "CITATION.cff"} <= shown


def test_the_paper_does_not_depend_on_the_supplement(workflow, names):
    for rule in ("paper", "paper_parts", "macros_all"):
        assert not set(names.outputs("index")) & set(paths(workflow[rule].input)), rule


# ---- the names that they are written with


@pytest.fixture
def names():
    return rules.RuleNames(load_study("demo"))


@pytest.mark.slow
def test_paths_keep_wildcards(names):
    assert names.result("networks/{network}/frozen.pb") == "results/demo/networks/{network}/frozen.pb"
    assert names.executed("models/train_{network}") == "results/demo/executed/models/train_{network}.ipynb"


@pytest.mark.slow
def test_a_notebook_comes_with_the_code_that_it_imports(names):
    inputs = names.notebook("signal_distractor/scatter")
    assert list(inputs) == ["notebook", "code"]
    assert inputs["notebook"] == "notebooks/signal_distractor/scatter.ipynb"
    assert inputs["code"] == code_of(inputs["notebook"])
    assert "src/netlens/__init__.py" in inputs["code"]


@pytest.mark.slow
def test_outputs_are_those_of_the_catalogue(names):
    assert names.outputs("sceneCount") == ["export_defs/demo/sceneCount.tex", "export_defs/demo/sceneCount.json"]
    with pytest.raises(CatalogueError, match=r"^item 'scenesCount' is not in any notebooks/<section>/items\.yaml"):
        names.outputs("scenesCount")


@pytest.mark.slow
def test_settings_are_those_of_the_study_in_the_order_asked_for(names):
    asked = names.settings("signal_distractor", "noise_seed", "samples_count")
    assert list(asked.items()) == [("noise_seed", 1337), ("samples_count", 500)]


@pytest.mark.slow
def test_a_job_asks_functions_for_what_depends_on_wildcards(names):
    described = names.job(gpu=True, quantity="images", part=lambda wildcards: int(wildcards["part"]))
    assert json.loads(described({"part": "3"})) == {
        "parameters": {"quantity": "images", "part": 3},
        "ambient": {"study": "demo", "seed": 1337, "part": "3"},
        "study": "demo",
        "gpu": True,
    }
