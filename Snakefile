# netlens: every figure, number and page of a study, and the paper.
# Another study: `snakemake --config study=NAME`; one item: by its name or by its path.

from netlens.workflow.rules import RULE_COMMAND as RUN, RuleNames
from netlens.workflow.study import load_study
from netlens.workflow.tex import find_engine

CONFIG = load_study(config.get("study", "demo"))
STUDY = CONFIG["study"]

names = RuleNames(CONFIG)
result, notebook, settings = names.result, names.notebook, names.settings
job, files = names.job, names.files


# What every section starts from: images, and networks that classify them.
include: "rules/data.smk"
include: "rules/models.smk"
# The five sections.
include: "rules/signal_distractor.smk"
include: "rules/pattern_attribution.smk"
include: "rules/model_comparison.smk"
include: "rules/weights.smk"
include: "rules/spatial_attribution.smk"
# What is read: web pages and the paper.
include: "rules/site.smk"
include: "rules/paper.smk"


# Everything; the paper where there is a TeX engine.
rule all:
    default_target: True
    input:
        names.items(),
        PAPER if find_engine() else [],
