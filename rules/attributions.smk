# Function, signal and attribution of the study's images: computed once, drawn in two figures.

from netlens.models.specs import image_file

EXPLAINED = CONFIG["pattern_attribution"]["network"]
ATTRIBUTIONS = f"results/{STUDY}/attributions/{EXPLAINED}.npz"


rule attributions:
    input:
        f"results/{STUDY}/networks/{EXPLAINED}/network.json",
        notebook="notebooks/pattern_attribution/attributions.ipynb",
        code=code_of("notebooks/pattern_attribution/attributions.ipynb"),
        model=f"results/{STUDY}/networks/{EXPLAINED}/network.h5",
        heldout=image_file(CONFIG, EXPLAINED, "heldout"),
        evaluation=f"results/{STUDY}/networks/{EXPLAINED}/evaluation.npz",
        patterns=f"results/{STUDY}/patterns/{EXPLAINED}/{CONFIG['pattern_attribution']['figure_estimator']}.npz",
    output:
        attributions=ATTRIBUTIONS,
        record=f"results/{STUDY}/attributions/{EXPLAINED}.json",
    log:
        f"results/{STUDY}/executed/pattern_attribution/attributions.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/attributions.tsv"
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            taxonomy_classes=CONFIG["signal_distractor"]["taxonomy_classes"],
            example_class=CONFIG["pattern_attribution"]["example_class"],
        ),
        files=files,
    shell:
        RUN


rule taxonomy:
    input:
        notebook="notebooks/signal_distractor/taxonomy.ipynb",
        code=code_of("notebooks/signal_distractor/taxonomy.ipynb"),
        attributions=ATTRIBUTIONS,
    output:
        figure("signal_distractor/taxonomy"),
    log:
        f"results/{STUDY}/executed/signal_distractor/taxonomy.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/taxonomy.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule attribution_example:
    input:
        notebook="notebooks/pattern_attribution/attribution_example.ipynb",
        code=code_of("notebooks/pattern_attribution/attribution_example.ipynb"),
        attributions=ATTRIBUTIONS,
    output:
        figure("pattern_attribution/attribution_example"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/attribution_example.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/attribution_example.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN
