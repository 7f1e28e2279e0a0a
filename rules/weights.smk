# Weights as pictures: expanded weights, what is shown of them, feature visualisations; computed once, drawn in many items.

WEIGHTS_NETWORK = CONFIG["weights"].get("network", CONFIG["models"]["network"])
EXPANDED = f"results/{STUDY}/weights/expanded.npz"
WEIGHTS_ANALYSIS = f"results/{STUDY}/weights/analysis.npz"
WEIGHTS_REQUESTS = f"results/{STUDY}/weights/analysis_requests.npz"
WEIGHTS_FACTORS = f"results/{STUDY}/weights/factors.npz"
WEIGHTS_FACTORS_REQUESTS = f"results/{STUDY}/weights/factors_requests.npz"
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
        requests=[WEIGHTS_REQUESTS, WEIGHTS_FACTORS_REQUESTS],
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


rule first_layer_kernels:
    input:
        notebook="notebooks/weights/first_layer_kernels.ipynb",
        code=code_of("notebooks/weights/first_layer_kernels.ipynb"),
        expanded=EXPANDED,
    output:
        figure("weights/first_layer_kernels"),
    log:
        f"results/{STUDY}/executed/weights/first_layer_kernels.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/first_layer_kernels.tsv"
    params:
        job=job(columns_count=CONFIG["weights"]["columns_count"]),
        files=files,
    shell:
        RUN


rule first_layer_expanded:
    input:
        notebook="notebooks/weights/first_layer_expanded.ipynb",
        code=code_of("notebooks/weights/first_layer_expanded.ipynb"),
        expanded=EXPANDED,
    output:
        figure("weights/first_layer_expanded"),
    log:
        f"results/{STUDY}/executed/weights/first_layer_expanded.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/first_layer_expanded.tsv"
    params:
        job=job(columns_count=CONFIG["weights"]["columns_count"]),
        files=files,
    shell:
        RUN


rule connection:
    input:
        notebook="notebooks/weights/connection.ipynb",
        code=code_of("notebooks/weights/connection.ipynb"),
        analysis=WEIGHTS_ANALYSIS,
        pictures=WEIGHTS_PICTURES,
    output:
        figure("weights/connection"),
    log:
        f"results/{STUDY}/executed/weights/connection.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/connection.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule strongest_inputs:
    input:
        notebook="notebooks/weights/strongest.ipynb",
        code=code_of("notebooks/weights/strongest.ipynb"),
        analysis=WEIGHTS_ANALYSIS,
        pictures=WEIGHTS_PICTURES,
    output:
        figure("weights/strongest_inputs"),
    log:
        f"results/{STUDY}/executed/weights/strongest_inputs.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/strongest_inputs.tsv"
    params:
        job=job(side="inputs"),
        files=files,
    shell:
        RUN


rule strongest_uses:
    input:
        notebook="notebooks/weights/strongest.ipynb",
        code=code_of("notebooks/weights/strongest.ipynb"),
        analysis=WEIGHTS_ANALYSIS,
        pictures=WEIGHTS_PICTURES,
    output:
        figure("weights/strongest_uses"),
    log:
        f"results/{STUDY}/executed/weights/strongest_uses.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/strongest_uses.tsv"
    params:
        job=job(side="uses"),
        files=files,
    shell:
        RUN


rule spatial_positions:
    input:
        notebook="notebooks/weights/spatial_positions.ipynb",
        code=code_of("notebooks/weights/spatial_positions.ipynb"),
        analysis=WEIGHTS_ANALYSIS,
        pictures=WEIGHTS_PICTURES,
    output:
        figure("weights/spatial_positions"),
    log:
        f"results/{STUDY}/executed/weights/spatial_positions.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatial_positions.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule weightsNetwork:
    input:
        notebook="notebooks/weights/numbers.ipynb",
        code=code_of("notebooks/weights/numbers.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        macro("weightsNetwork"),
    log:
        f"results/{STUDY}/executed/weights/weightsNetwork.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightsNetwork.tsv"
    params:
        job=job(quantity="network"),
        files=files,
    shell:
        RUN


rule weightsSource:
    input:
        notebook="notebooks/weights/numbers.ipynb",
        code=code_of("notebooks/weights/numbers.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        macro("weightsSource"),
    log:
        f"results/{STUDY}/executed/weights/weightsSource.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightsSource.tsv"
    params:
        job=job(quantity="source"),
        files=files,
    shell:
        RUN


rule weightsTarget:
    input:
        notebook="notebooks/weights/numbers.ipynb",
        code=code_of("notebooks/weights/numbers.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        macro("weightsTarget"),
    log:
        f"results/{STUDY}/executed/weights/weightsTarget.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightsTarget.tsv"
    params:
        job=job(quantity="target"),
        files=files,
    shell:
        RUN


rule weightsUsing:
    input:
        notebook="notebooks/weights/numbers.ipynb",
        code=code_of("notebooks/weights/numbers.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        macro("weightsUsing"),
    log:
        f"results/{STUDY}/executed/weights/weightsUsing.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightsUsing.tsv"
    params:
        job=job(quantity="using"),
        files=files,
    shell:
        RUN


rule weightsUnit:
    input:
        notebook="notebooks/weights/numbers.ipynb",
        code=code_of("notebooks/weights/numbers.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        macro("weightsUnit"),
    log:
        f"results/{STUDY}/executed/weights/weightsUnit.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightsUnit.tsv"
    params:
        job=job(quantity="unit"),
        files=files,
    shell:
        RUN


rule weightsSourceUnit:
    input:
        notebook="notebooks/weights/numbers.ipynb",
        code=code_of("notebooks/weights/numbers.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        macro("weightsSourceUnit"),
    log:
        f"results/{STUDY}/executed/weights/weightsSourceUnit.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightsSourceUnit.tsv"
    params:
        job=job(quantity="source_unit"),
        files=files,
    shell:
        RUN


rule expandedWeightsWindow:
    input:
        notebook="notebooks/weights/numbers.ipynb",
        code=code_of("notebooks/weights/numbers.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        macro("expandedWeightsWindow"),
    log:
        f"results/{STUDY}/executed/weights/expandedWeightsWindow.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/expandedWeightsWindow.tsv"
    params:
        job=job(quantity="window"),
        files=files,
    shell:
        RUN


rule expandedWeightsDifference:
    input:
        notebook="notebooks/weights/numbers.ipynb",
        code=code_of("notebooks/weights/numbers.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        macro("expandedWeightsDifference"),
    log:
        f"results/{STUDY}/executed/weights/expandedWeightsDifference.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/expandedWeightsDifference.tsv"
    params:
        job=job(quantity="expanded_difference"),
        files=files,
    shell:
        RUN


rule firstLayerDifference:
    input:
        notebook="notebooks/weights/numbers.ipynb",
        code=code_of("notebooks/weights/numbers.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        macro("firstLayerDifference"),
    log:
        f"results/{STUDY}/executed/weights/firstLayerDifference.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstLayerDifference.tsv"
    params:
        job=job(quantity="first_difference"),
        files=files,
    shell:
        RUN


rule strongestInputsShare:
    input:
        notebook="notebooks/weights/numbers.ipynb",
        code=code_of("notebooks/weights/numbers.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        macro("strongestInputsShare"),
    log:
        f"results/{STUDY}/executed/weights/strongestInputsShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/strongestInputsShare.tsv"
    params:
        job=job(quantity="inputs_share"),
        files=files,
    shell:
        RUN
