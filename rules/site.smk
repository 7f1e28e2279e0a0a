# The supplement: its first page shows every item of the study; each figure and number has a page of its own.

from netlens.workflow.paper.text import caption_files, claim_files
from netlens.workflow.study import study_file

# `netlens site` shows what has been made so far; then nothing is made for it.
PARTIAL = bool(config.get("partial"))
PDF = Path(f"paper/{STUDY}.pdf")


rule index:
    input:
        **notebook("site/index"),
        shown=[
            *([] if PARTIAL else names.items(but="index")),
            *caption_files(),
            *claim_files(STUDY),
            str(study_file(config.get("study", "demo"))),
            "CITATION.cff",
            "paper/refs.bib",
        ],
    output:
        page=f"site/{STUDY}/index.html",
        item_pages=directory(f"site/{STUDY}/items"),
        record=f"site/{STUDY}/index.json",
    log:
        names.executed("site/index"),
    localrule: True
    resources:
        mem_mb=memory("site/index"),
    params:
        job=job(
            config=config.get("study", "demo"),
            partial=PARTIAL,
            paper=str(PDF) if (PDF.is_file() if PARTIAL else find_engine()) else "",
        ),
        files=files,
    shell:
        RUN
