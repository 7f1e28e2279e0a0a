# Spectra of weights, patterns and what PatternAttribution multiplies: computed once, drawn and summed up in many items.

SPECTRA_NETWORK = CONFIG["pattern_attribution"]["network"]
SPECTRA = f"results/{STUDY}/spectra/{SPECTRA_NETWORK}.npz"
SINGULAR_RATIOS = f"results/{STUDY}/spectra/{SPECTRA_NETWORK}_ratios.npz"
SPECTRA_PICTURES = f"results/{STUDY}/spectra/{SPECTRA_NETWORK}_pictures.npz"


rule singular_ratios:
    input:
        notebook="notebooks/pattern_attribution/singular_ratios.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratios.ipynb"),
        kernels=f"results/{STUDY}/networks/{SPECTRA_NETWORK}/kernels.npz",
        network=f"results/{STUDY}/networks/{SPECTRA_NETWORK}/network.json",
        patterns=f"results/{STUDY}/patterns/{SPECTRA_NETWORK}/{CONFIG['pattern_attribution']['figure_estimator']}.npz",
    output:
        ratios=SINGULAR_RATIOS,
        record=f"results/{STUDY}/spectra/{SPECTRA_NETWORK}_ratios.json",
    log:
        f"results/{STUDY}/executed/pattern_attribution/singular_ratios.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/singular_ratios.tsv"
    threads: 2
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule spectra:
    input:
        notebook="notebooks/pattern_attribution/spectra.ipynb",
        code=code_of("notebooks/pattern_attribution/spectra.ipynb"),
        kernels=f"results/{STUDY}/networks/{SPECTRA_NETWORK}/kernels.npz",
        network=f"results/{STUDY}/networks/{SPECTRA_NETWORK}/network.json",
        patterns=f"results/{STUDY}/patterns/{SPECTRA_NETWORK}/{CONFIG['pattern_attribution']['figure_estimator']}.npz",
    output:
        spectra=SPECTRA,
        pictures=SPECTRA_PICTURES,
        record=f"results/{STUDY}/spectra/{SPECTRA_NETWORK}.json",
    log:
        f"results/{STUDY}/executed/pattern_attribution/spectra.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spectra.tsv"
    threads: 2
    params:
        job=job(picture_px=CONFIG["pattern_attribution"]["picture_px"]),
        files=files,
    shell:
        RUN


rule per_layer:
    input:
        notebook="notebooks/pattern_attribution/per_layer.ipynb",
        code=code_of("notebooks/pattern_attribution/per_layer.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        figure("pattern_attribution/per_layer"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/per_layer.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/per_layer.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule inter_layer:
    input:
        notebook="notebooks/pattern_attribution/inter_layer.ipynb",
        code=code_of("notebooks/pattern_attribution/inter_layer.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        figure("pattern_attribution/inter_layer"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/inter_layer.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/inter_layer.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule pattern_net:
    input:
        notebook="notebooks/pattern_attribution/pattern_net.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_net.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        figure("pattern_attribution/pattern_net"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/pattern_net.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/pattern_net.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule layer_spectra:
    input:
        notebook="notebooks/pattern_attribution/layer_spectra.ipynb",
        code=code_of("notebooks/pattern_attribution/layer_spectra.ipynb"),
        spectra=SPECTRA,
    output:
        figure("pattern_attribution/layer_spectra"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/layer_spectra.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/layer_spectra.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule inter_layer_spectra:
    input:
        notebook="notebooks/pattern_attribution/inter_layer_spectra.ipynb",
        code=code_of("notebooks/pattern_attribution/inter_layer_spectra.ipynb"),
        spectra=SPECTRA,
    output:
        figure("pattern_attribution/inter_layer_spectra"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/inter_layer_spectra.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/inter_layer_spectra.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule inter_layer_neighbours:
    input:
        notebook="notebooks/pattern_attribution/inter_layer_neighbours.ipynb",
        code=code_of("notebooks/pattern_attribution/inter_layer_neighbours.ipynb"),
        spectra=SPECTRA,
    output:
        figure("pattern_attribution/inter_layer_neighbours"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/inter_layer_neighbours.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/inter_layer_neighbours.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule chain_spectrum:
    input:
        notebook="notebooks/pattern_attribution/chain_spectrum.ipynb",
        code=code_of("notebooks/pattern_attribution/chain_spectrum.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        figure("pattern_attribution/chain_spectrum"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/chain_spectrum.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/chain_spectrum.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule column_norms:
    input:
        notebook="notebooks/pattern_attribution/column_norms.ipynb",
        code=code_of("notebooks/pattern_attribution/column_norms.ipynb"),
        spectra=SPECTRA,
    output:
        figure("pattern_attribution/column_norms"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/column_norms.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/column_norms.tsv"
    params:
        job=job(layer=CONFIG["pattern_attribution"]["column_norms_layer"]),
        files=files,
    shell:
        RUN


rule svd_grid_weights:
    input:
        notebook="notebooks/pattern_attribution/svd_grid.ipynb",
        code=code_of("notebooks/pattern_attribution/svd_grid.ipynb"),
        pictures=SPECTRA_PICTURES,
    output:
        figure("pattern_attribution/svd_grid_weights"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/svd_grid_weights.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/svd_grid_weights.tsv"
    params:
        job=job(kind="weights"),
        files=files,
    shell:
        RUN


rule rotations_weights:
    input:
        notebook="notebooks/pattern_attribution/rotations.ipynb",
        code=code_of("notebooks/pattern_attribution/rotations.ipynb"),
        pictures=SPECTRA_PICTURES,
    output:
        figure("pattern_attribution/rotations_weights"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/rotations_weights.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/rotations_weights.tsv"
    params:
        job=job(kind="weights"),
        files=files,
    shell:
        RUN


rule svd_grid_patterns:
    input:
        notebook="notebooks/pattern_attribution/svd_grid.ipynb",
        code=code_of("notebooks/pattern_attribution/svd_grid.ipynb"),
        pictures=SPECTRA_PICTURES,
    output:
        figure("pattern_attribution/svd_grid_patterns"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/svd_grid_patterns.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/svd_grid_patterns.tsv"
    params:
        job=job(kind="patterns"),
        files=files,
    shell:
        RUN


rule rotations_patterns:
    input:
        notebook="notebooks/pattern_attribution/rotations.ipynb",
        code=code_of("notebooks/pattern_attribution/rotations.ipynb"),
        pictures=SPECTRA_PICTURES,
    output:
        figure("pattern_attribution/rotations_patterns"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/rotations_patterns.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/rotations_patterns.tsv"
    params:
        job=job(kind="patterns"),
        files=files,
    shell:
        RUN


rule svd_grid_pattern_attribution:
    input:
        notebook="notebooks/pattern_attribution/svd_grid.ipynb",
        code=code_of("notebooks/pattern_attribution/svd_grid.ipynb"),
        pictures=SPECTRA_PICTURES,
    output:
        figure("pattern_attribution/svd_grid_pattern_attribution"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/svd_grid_pattern_attribution.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/svd_grid_pattern_attribution.tsv"
    params:
        job=job(kind="pattern_attribution"),
        files=files,
    shell:
        RUN


rule rotations_pattern_attribution:
    input:
        notebook="notebooks/pattern_attribution/rotations.ipynb",
        code=code_of("notebooks/pattern_attribution/rotations.ipynb"),
        pictures=SPECTRA_PICTURES,
    output:
        figure("pattern_attribution/rotations_pattern_attribution"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/rotations_pattern_attribution.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/rotations_pattern_attribution.tsv"
    params:
        job=job(kind="pattern_attribution"),
        files=files,
    shell:
        RUN


rule weightSingularRatioProd:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("weightSingularRatioProd"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/weightSingularRatioProd.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightSingularRatioProd.tsv"
    params:
        job=job(matrix="weights", summary="inter_layer", log10=False),
        files=files,
    shell:
        RUN


rule weightSingularRatioProdLogTen:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("weightSingularRatioProdLogTen"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/weightSingularRatioProdLogTen.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightSingularRatioProdLogTen.tsv"
    params:
        job=job(matrix="weights", summary="inter_layer", log10=True),
        files=files,
    shell:
        RUN


rule weightLayerRatioProd:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("weightLayerRatioProd"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/weightLayerRatioProd.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightLayerRatioProd.tsv"
    params:
        job=job(matrix="weights", summary="layer", log10=False),
        files=files,
    shell:
        RUN


rule weightLayerRatioProdLogTen:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("weightLayerRatioProdLogTen"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/weightLayerRatioProdLogTen.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightLayerRatioProdLogTen.tsv"
    params:
        job=job(matrix="weights", summary="layer", log10=True),
        files=files,
    shell:
        RUN


rule weightChainRatio:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("weightChainRatio"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/weightChainRatio.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightChainRatio.tsv"
    params:
        job=job(matrix="weights", summary="chain", log10=False),
        files=files,
    shell:
        RUN


rule weightChainRatioLogTen:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("weightChainRatioLogTen"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/weightChainRatioLogTen.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weightChainRatioLogTen.tsv"
    params:
        job=job(matrix="weights", summary="chain", log10=True),
        files=files,
    shell:
        RUN


rule patternSingularRatioProd:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("patternSingularRatioProd"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/patternSingularRatioProd.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/patternSingularRatioProd.tsv"
    params:
        job=job(matrix="pattern_attribution", summary="inter_layer", log10=False),
        files=files,
    shell:
        RUN


rule patternSingularRatioProdLogTen:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("patternSingularRatioProdLogTen"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/patternSingularRatioProdLogTen.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/patternSingularRatioProdLogTen.tsv"
    params:
        job=job(matrix="pattern_attribution", summary="inter_layer", log10=True),
        files=files,
    shell:
        RUN


rule patternLayerRatioProd:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("patternLayerRatioProd"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/patternLayerRatioProd.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/patternLayerRatioProd.tsv"
    params:
        job=job(matrix="pattern_attribution", summary="layer", log10=False),
        files=files,
    shell:
        RUN


rule patternLayerRatioProdLogTen:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("patternLayerRatioProdLogTen"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/patternLayerRatioProdLogTen.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/patternLayerRatioProdLogTen.tsv"
    params:
        job=job(matrix="pattern_attribution", summary="layer", log10=True),
        files=files,
    shell:
        RUN


rule patternChainRatio:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("patternChainRatio"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/patternChainRatio.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/patternChainRatio.tsv"
    params:
        job=job(matrix="pattern_attribution", summary="chain", log10=False),
        files=files,
    shell:
        RUN


rule patternChainRatioLogTen:
    input:
        notebook="notebooks/pattern_attribution/singular_ratio_number.ipynb",
        code=code_of("notebooks/pattern_attribution/singular_ratio_number.ipynb"),
        ratios=SINGULAR_RATIOS,
    output:
        macro("patternChainRatioLogTen"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/patternChainRatioLogTen.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/patternChainRatioLogTen.tsv"
    params:
        job=job(matrix="pattern_attribution", summary="chain", log10=True),
        files=files,
    shell:
        RUN
