# Weights as pictures: expanded weights, what is shown of them, feature visualisations; computed once, drawn in many items.

WEIGHTS_NETWORK = CONFIG["weights"].get("network", CONFIG["models"]["network"])
EXPANDED = f"results/{STUDY}/weights/expanded.npz"
WEIGHTS_ANALYSIS = f"results/{STUDY}/weights/analysis.npz"
WEIGHTS_REQUESTS = f"results/{STUDY}/weights/analysis_requests.npz"
FACTORS_REQUESTS = f"results/{STUDY}/weights/factors_requests.npz"
WEIGHTS_PICTURES = f"results/{STUDY}/weights/pictures.npz"


# Layers as the study names them or chosen from the graph, and the linear maps between them, found in two ways.
rule expanded:
    input:
        f"results/{STUDY}/networks/{WEIGHTS_NETWORK}/frozen.json",
        notebook="notebooks/weights/expanded.ipynb",
        code=code_of("notebooks/weights/expanded.ipynb"),
        frozen=f"results/{STUDY}/networks/{WEIGHTS_NETWORK}/frozen.pb",
    output:
        expanded=EXPANDED,
        record=f"results/{STUDY}/weights/expanded.json",
    log:
        f"results/{STUDY}/executed/weights/expanded.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/expanded.tsv"
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            source=CONFIG["weights"]["source"],
            target=CONFIG["weights"]["target"],
            next=CONFIG["weights"]["next"],
        ),
        files=files,
    shell:
        RUN


# Which units and connections are shown, and the pictures that the figures need of them.
rule weights_analysis:
    input:
        notebook="notebooks/weights/analysis.ipynb",
        code=code_of("notebooks/weights/analysis.ipynb"),
        expanded=EXPANDED,
    output:
        analysis=WEIGHTS_ANALYSIS,
        requests=WEIGHTS_REQUESTS,
        record=f"results/{STUDY}/weights/analysis.json",
    log:
        f"results/{STUDY}/executed/weights/analysis.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weights_analysis.tsv"
    params:
        job=job(
            unit=CONFIG["weights"]["unit"],
            source_unit=CONFIG["weights"]["source_unit"],
            strongest_count=CONFIG["weights"]["strongest_count"],
            positions_count=CONFIG["weights"]["positions_count"],
            picture_px=CONFIG["weights"]["picture_px"],
            picture_steps_count=CONFIG["weights"]["picture_steps_count"],
            picture_position=CONFIG["weights"]["picture_position"],
        ),
        files=files,
    shell:
        RUN


# Every picture that a figure of this section needs, by its key; what the store has is not rendered again.
rule pictures:
    input:
        f"results/{STUDY}/networks/{WEIGHTS_NETWORK}/frozen.json",
        notebook="notebooks/weights/pictures.ipynb",
        code=code_of("notebooks/weights/pictures.ipynb"),
        frozen=f"results/{STUDY}/networks/{WEIGHTS_NETWORK}/frozen.pb",
        requests=[WEIGHTS_REQUESTS],
    output:
        pictures=WEIGHTS_PICTURES,
        record=f"results/{STUDY}/weights/pictures.json",
    log:
        f"results/{STUDY}/executed/weights/pictures.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/pictures.tsv"
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            store=f"results/{STUDY}/pictures/{WEIGHTS_NETWORK}",
        ),
        files=files,
    shell:
        RUN
