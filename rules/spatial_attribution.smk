# Spatial attribution: maps of chosen images and scores on all scenes, computed once, drawn in many items.

from netlens.data.specs import scene_files
from netlens.models.specs import image_file, images_of, prepared_models

SPATIAL_NETWORK = CONFIG["spatial_attribution"].get("network", CONFIG["models"]["network"])
SPATIAL_MAPS = f"results/{STUDY}/spatial_attribution/maps.npz"
# Two networks: the section's own, and the one that has patterns.
PATTERNS_NETWORK = CONFIG["pattern_attribution"]["network"]
SPATIAL_SCORES = f"results/{STUDY}/spatial_attribution/scores/{SPATIAL_NETWORK}.npz"
PATTERNS_SCORES = f"results/{STUDY}/spatial_attribution/scores/{PATTERNS_NETWORK}.npz"


# Everything that figures and the page show of some images; the notebook says what the arrays are.
rule spatial_maps:
    input:
        f"results/{STUDY}/networks/{SPATIAL_NETWORK}/frozen.json",
        notebook="notebooks/spatial_attribution/maps.ipynb",
        code=code_of("notebooks/spatial_attribution/maps.ipynb"),
        frozen=f"results/{STUDY}/networks/{SPATIAL_NETWORK}/frozen.pb",
        scenes=scene_files(CONFIG, images_of(CONFIG, SPATIAL_NETWORK)),
        heldout=image_file(CONFIG, SPATIAL_NETWORK, "heldout"),
        own=list(filter(None, [CONFIG["spatial_attribution"]["image"]])),
    output:
        maps=SPATIAL_MAPS,
        record=f"results/{STUDY}/spatial_attribution/maps.json",
    log:
        f"results/{STUDY}/executed/spatial_attribution/maps.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatial_maps.tsv"
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            own_classes=CONFIG["spatial_attribution"]["image_classes"],
            layers=CONFIG["spatial_attribution"]["layers"],
            layers_count=CONFIG["spatial_attribution"]["layers_count"],
            pairs=CONFIG["spatial_attribution"]["pairs"],
            maps_mb=CONFIG["spatial_attribution"]["maps_mb"],
            gradients=CONFIG["spatial_attribution"]["gradients"],
            shown_gradient=CONFIG["spatial_attribution"]["shown_gradient"],
            scene=CONFIG["spatial_attribution"]["scene"],
            scenes_count=CONFIG["spatial_attribution"]["scenes_count"],
            composed_count=CONFIG["spatial_attribution"]["composed_count"],
            memory_mb=CONFIG["spatial_attribution"]["memory_mb"],
        ),
        files=files,
    shell:
        RUN


# Every gradient and method on all scenes whose parts are known.
rule spatial_scores:
    input:
        f"results/{STUDY}/networks/{{network}}/frozen.json",
        notebook="notebooks/spatial_attribution/scores.ipynb",
        code=code_of("notebooks/spatial_attribution/scores.ipynb"),
        frozen=f"results/{STUDY}/networks/{{network}}/frozen.pb",
        model=lambda wildcards: prepared_models(CONFIG, wildcards.network),
        patterns=lambda wildcards: {
            PATTERNS_NETWORK: [
                f"results/{STUDY}/patterns/{PATTERNS_NETWORK}/{CONFIG['pattern_attribution']['figure_estimator']}.npz"
            ]
        }.get(wildcards.network, []),
        scenes=lambda wildcards: scene_files(CONFIG, images_of(CONFIG, wildcards.network)),
        heldout=lambda wildcards: image_file(CONFIG, wildcards.network, "heldout"),
    output:
        scores=f"results/{STUDY}/spatial_attribution/scores/{{network}}.npz",
        record=f"results/{STUDY}/spatial_attribution/scores/{{network}}.json",
    log:
        f"results/{STUDY}/executed/spatial_attribution/scores_{{network}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatial_scores_{{network}}.tsv"
    wildcard_constraints:
        network=f"{SPATIAL_NETWORK}|{PATTERNS_NETWORK}",
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            layers=lambda wildcards: {SPATIAL_NETWORK: CONFIG["spatial_attribution"]["layers"]}.get(
                wildcards.network, []
            ),
            layers_count=CONFIG["spatial_attribution"]["layers_count"],
            composed_count=CONFIG["spatial_attribution"]["composed_count"],
            memory_mb=CONFIG["spatial_attribution"]["memory_mb"],
        ),
        files=files,
    shell:
        RUN


rule class_attribution_layers:
    input:
        notebook="notebooks/spatial_attribution/class_attribution_layers.ipynb",
        code=code_of("notebooks/spatial_attribution/class_attribution_layers.ipynb"),
        maps=SPATIAL_MAPS,
    output:
        figure("spatial_attribution/class_attribution_layers"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/class_attribution_layers.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/class_attribution_layers.tsv"
    params:
        job=job(gradient=CONFIG["spatial_attribution"]["shown_gradient"]),
        files=files,
    shell:
        RUN


rule position_to_position:
    input:
        notebook="notebooks/spatial_attribution/position_to_position.ipynb",
        code=code_of("notebooks/spatial_attribution/position_to_position.ipynb"),
        maps=SPATIAL_MAPS,
    output:
        figure("spatial_attribution/position_to_position"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/position_to_position.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/position_to_position.tsv"
    params:
        job=job(gradient=CONFIG["spatial_attribution"]["shown_gradient"]),
        files=files,
    shell:
        RUN


rule pooling_gradients:
    input:
        notebook="notebooks/spatial_attribution/pooling_gradients.ipynb",
        code=code_of("notebooks/spatial_attribution/pooling_gradients.ipynb"),
        maps=SPATIAL_MAPS,
    output:
        figure("spatial_attribution/pooling_gradients"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/pooling_gradients.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/pooling_gradients.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule attribution_scores:
    input:
        notebook="notebooks/spatial_attribution/attribution_scores.ipynb",
        code=code_of("notebooks/spatial_attribution/attribution_scores.ipynb"),
        scores=list(dict.fromkeys([SPATIAL_SCORES, PATTERNS_SCORES])),
    output:
        figure("spatial_attribution/attribution_scores"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/attribution_scores.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/attribution_scores.tsv"
    params:
        job=job(
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialNetwork:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialNetwork"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialNetwork.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialNetwork.tsv"
    params:
        job=job(
            quantity="network",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialSceneCount:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialSceneCount"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialSceneCount.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialSceneCount.tsv"
    params:
        job=job(
            quantity="scenes",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialChance:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialChance"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialChance.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialChance.tsv"
    params:
        job=job(
            quantity="chance",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialBestName:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialBestName"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialBestName.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialBestName.tsv"
    params:
        job=job(
            quantity="best_name",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialBestShare:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialBestShare"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialBestShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialBestShare.tsv"
    params:
        job=job(
            quantity="best_share",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialBestShareLow:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialBestShareLow"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialBestShareLow.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialBestShareLow.tsv"
    params:
        job=job(
            quantity="best_low",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialBestShareHigh:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialBestShareHigh"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialBestShareHigh.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialBestShareHigh.tsv"
    params:
        job=job(
            quantity="best_high",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialBestPointing:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialBestPointing"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialBestPointing.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialBestPointing.tsv"
    params:
        job=job(
            quantity="best_point",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialComparedLayer:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialComparedLayer"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialComparedLayer.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialComparedLayer.tsv"
    params:
        job=job(
            quantity="compared_layer",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialTrueShare:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialTrueShare"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialTrueShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialTrueShare.tsv"
    params:
        job=job(
            quantity="true_share",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialSmoothShare:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialSmoothShare"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialSmoothShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialSmoothShare.tsv"
    params:
        job=job(
            quantity="smooth_share",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialBlurShare:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialBlurShare"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialBlurShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialBlurShare.tsv"
    params:
        job=job(
            quantity="smooth_blur_share",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialBlurGain:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialBlurGain"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialBlurGain.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialBlurGain.tsv"
    params:
        job=job(
            quantity="gain_share",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialBlurGainLow:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialBlurGainLow"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialBlurGainLow.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialBlurGainLow.tsv"
    params:
        job=job(
            quantity="gain_low",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialBlurGainHigh:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialBlurGainHigh"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialBlurGainHigh.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialBlurGainHigh.tsv"
    params:
        job=job(
            quantity="gain_high",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialInputBestName:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialInputBestName"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialInputBestName.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialInputBestName.tsv"
    params:
        job=job(
            quantity="input_name",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialInputBestShare:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=SPATIAL_SCORES,
    output:
        macro("spatialInputBestShare"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialInputBestShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialInputBestShare.tsv"
    params:
        job=job(
            quantity="input_share",
            compared_layer=CONFIG["spatial_attribution"]["compared_layer"],
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialPatternNetwork:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=PATTERNS_SCORES,
    output:
        macro("spatialPatternNetwork"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialPatternNetwork.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialPatternNetwork.tsv"
    params:
        job=job(
            quantity="network",
            compared_layer="",
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialPatternBestName:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=PATTERNS_SCORES,
    output:
        macro("spatialPatternBestName"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialPatternBestName.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialPatternBestName.tsv"
    params:
        job=job(
            quantity="best_name",
            compared_layer="",
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialPatternBestShare:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=PATTERNS_SCORES,
    output:
        macro("spatialPatternBestShare"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialPatternBestShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialPatternBestShare.tsv"
    params:
        job=job(
            quantity="best_share",
            compared_layer="",
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialPatternGradientShare:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=PATTERNS_SCORES,
    output:
        macro("spatialPatternGradientShare"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialPatternGradientShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialPatternGradientShare.tsv"
    params:
        job=job(
            quantity="gradient_share",
            compared_layer="",
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialPatternNetShare:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=PATTERNS_SCORES,
    output:
        macro("spatialPatternNetShare"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialPatternNetShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialPatternNetShare.tsv"
    params:
        job=job(
            quantity="pattern.net_share",
            compared_layer="",
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN


rule spatialPatternAttributionShare:
    input:
        notebook="notebooks/spatial_attribution/numbers.ipynb",
        code=code_of("notebooks/spatial_attribution/numbers.ipynb"),
        scores=PATTERNS_SCORES,
    output:
        macro("spatialPatternAttributionShare"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatialPatternAttributionShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatialPatternAttributionShare.tsv"
    params:
        job=job(
            quantity="pattern.attribution_share",
            compared_layer="",
            interval_level=CONFIG["spatial_attribution"]["interval_level"],
            resamples_count=CONFIG["spatial_attribution"]["resamples_count"],
        ),
        files=files,
    shell:
        RUN
