# netlens: every figure, number and page of a study, and the paper.
# Another study: `snakemake --config study=NAME`; one item: by its name or by its path.

from netlens.workflow.rules import RULE_COMMAND as RUN, RuleNames
from netlens.workflow.run_lock import begin_run, prepare_snakemake
from netlens.workflow.study import load_study
from netlens.workflow.tex import find_engine

prepare_snakemake(workflow)

CONFIG = load_study(config.get("study", "demo"))
STUDY = CONFIG["study"]

names = RuleNames(CONFIG)
result, notebook, settings = names.result, names.notebook, names.settings
job, files, memory = names.job, names.files, names.memory
# Jobs that use TensorFlow ask for a GPU, which counts where there are any; NETLENS_DEVICE=cpu asks for none.
GPU = names.gpu


# One run at a time: the lock is kept as long as this process runs.
onstart:
    workflow.globals["RUN_LOCK"] = begin_run(workflow)


# What every section starts from: images, and networks that classify them.
include: "rules/data.smk"
include: "rules/models.smk"


# The six sections, each of which is read if the study has an item of it.
if names.has_section("signal_distractor"):

    include: "rules/signal_distractor.smk"


if names.has_section("pattern_attribution"):

    include: "rules/pattern_attribution.smk"


if names.has_section("model_comparison"):

    include: "rules/model_comparison.smk"


if names.has_section("weights"):

    include: "rules/weights.smk"


if names.has_section("spatial_attribution"):

    include: "rules/spatial_attribution.smk"


if names.has_section("explanation_checks"):

    include: "rules/explanation_checks.smk"


# What is read: web pages and the paper.
include: "rules/site.smk"
include: "rules/paper.smk"


# Everything; the paper where there is a TeX engine.
rule all:
    default_target: True
    input:
        names.items(),
        PAPER if find_engine() else [],
