# The paper: its macros, what it says of its own making, and the PDF.

from netlens.workflow.paper.text import caption_files, claim_files, section_texts, sources
from netlens.workflow.rules import (
    COMPILE_COMMAND,
    MACRO_LIST_COMMAND,
    PARTS_COMMAND,
)

PAPER = f"paper/{STUDY}.pdf"


rule macros_all:
    input:
        macros=names.items("macro"),
    output:
        f"export_defs/{STUDY}/all.tex",
    log:
        f"results/{STUDY}/logs/macros_all.log",
    localrule: True
    params:
        study=lambda wildcards: config.get("study", "demo"),
    shell:
        MACRO_LIST_COMMAND


rule paper_parts:
    input:
        # The first page of the supplement shows the paper, so the paper does not depend on it.
        made=names.items(but="index"),
        captions=caption_files(),
        text=sources(STUDY),
        claims=claim_files(),
        code=sorted(map(str, Path("src/netlens/workflow/paper").glob("*.py"))),
    output:
        parts=f"results/{STUDY}/paper/parts.tex",
        sections=list(section_texts(STUDY)),
    log:
        f"results/{STUDY}/logs/paper_parts.log",
    localrule: True
    params:
        # Functions, because Snakemake reads braces in text as wildcards.
        study=lambda wildcards: config.get("study", "demo"),
        title=lambda wildcards: CONFIG["title"],
        authors=lambda wildcards: CONFIG["authors"],
        keywords=lambda wildcards: CONFIG["keywords"],
        site=lambda wildcards: CONFIG.get("site", ""),
        images_are=lambda wildcards: CONFIG["images_are"],
    shell:
        PARTS_COMMAND


rule paper:
    input:
        main="paper/main.tex",
        text=sources(STUDY),
        sections=list(section_texts(STUDY)),
        parts=f"results/{STUDY}/paper/parts.tex",
        macros=f"export_defs/{STUDY}/all.tex",
        values=names.items("macro"),
        figures=names.items("figure"),
    output:
        PAPER,
    log:
        f"results/{STUDY}/logs/paper.log",
    localrule: True
    params:
        study=lambda wildcards: config.get("study", "demo"),
    shell:
        COMPILE_COMMAND
