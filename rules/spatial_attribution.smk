# Spatial attribution: maps of chosen images and scores on all scenes, computed once, drawn in many items.

from netlens.workflow.external_files import contents_of, snakemake_paths
from netlens.workflow.image_specs import scene_files
from netlens.workflow.network_specs import image_file, images_of, prepared_models

OWN_IMAGES = list(filter(None, [CONFIG["spatial_attribution"]["image"]]))
# Two networks: the section's own, and the one that has patterns, if there is one.
SPATIAL_NETWORK = CONFIG["spatial_attribution"]["network"]
SCORED_PATTERNS = {PATTERN_NETWORK: [FIGURE_PATTERNS]} if names.applies("spatialPatternNetwork") else {}
SCORED_NETWORKS = list(dict.fromkeys([SPATIAL_NETWORK, *SCORED_PATTERNS]))
SCORED_LAYERS = {SPATIAL_NETWORK: CONFIG["spatial_attribution"]["layers"]}
# What the items read.
SPATIAL_MAPS = {"maps": result("spatial_attribution/maps.npz")}
SPATIAL_SCORES = {"scores": result(f"spatial_attribution/scores/{SPATIAL_NETWORK}.npz")}
PATTERN_SCORES = {"scores": result(f"spatial_attribution/scores/{SCORED_NETWORKS[-1]}.npz")}


# Everything that figures and the page show of some images; the notebook says what the arrays are.
rule spatial_maps:
    input:
        result(f"networks/{SPATIAL_NETWORK}/frozen.json"),
        **notebook("spatial_attribution/maps"),
        frozen=result(f"networks/{SPATIAL_NETWORK}/frozen.pb"),
        scenes=scene_files(CONFIG, images_of(CONFIG, SPATIAL_NETWORK)),
        heldout=image_file(CONFIG, SPATIAL_NETWORK, "heldout"),
        own=snakemake_paths(OWN_IMAGES),
    output:
        **SPATIAL_MAPS,
        record=result("spatial_attribution/maps.json"),
    log:
        names.executed("spatial_attribution/maps"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("spatial_attribution/maps"),
    params:
        job=job(
            gpu=True,
            own_classes=CONFIG["spatial_attribution"]["image_classes"],
            **settings(
                "spatial_attribution",
                "layers",
                "layers_count",
                "pairs",
                "maps_mb",
                "gradients",
                "shown_gradient",
                "scene",
                "scenes_count",
                "composed_count",
                "memory_mb",
            ),
        ),
        files=files,
        content=lambda wildcards: contents_of(OWN_IMAGES),
    shell:
        RUN


# Every gradient and method on all scenes whose parts are known.
rule spatial_scores:
    input:
        result("networks/{network}/frozen.json"),
        **notebook("spatial_attribution/scores"),
        frozen=result("networks/{network}/frozen.pb"),
        model=lambda wildcards: prepared_models(CONFIG, wildcards.network),
        patterns=lambda wildcards: SCORED_PATTERNS.get(wildcards.network, []),
        scenes=lambda wildcards: scene_files(CONFIG, images_of(CONFIG, wildcards.network)),
        heldout=lambda wildcards: image_file(CONFIG, wildcards.network, "heldout"),
    output:
        scores=result("spatial_attribution/scores/{network}.npz"),
        record=result("spatial_attribution/scores/{network}.json"),
    log:
        names.executed("spatial_attribution/scores_{network}"),
    wildcard_constraints:
        network="|".join(SCORED_NETWORKS),
    priority: 2
    resources:
        gpu=GPU,
        mem_mb=memory("spatial_attribution/scores"),
    params:
        job=job(
            gpu=True,
            layers=lambda wildcards: SCORED_LAYERS.get(wildcards.network, []),
            **settings("spatial_attribution", "layers_count", "composed_count", "control_count", "memory_mb"),
        ),
        files=files,
    shell:
        RUN


GRADIENT = {"gradient": CONFIG["spatial_attribution"]["shown_gradient"]}
INTERVALS = settings("spatial_attribution", "interval_level", "resamples_count")

# Scores are compared at the layer that the study names; those of the network with patterns at its best one.
AT_LAYER = settings("spatial_attribution", "compared_layer") | INTERVALS
AT_BEST_LAYER = {"compared_layer": ""} | INTERVALS

# Item: the notebook that makes it, what that reads, its parameters.
SPATIAL_ATTRIBUTION_ITEMS = {
    "class_attribution_layers": ("class_attribution_layers", SPATIAL_MAPS, GRADIENT),
    "position_to_position": ("position_to_position", SPATIAL_MAPS, GRADIENT),
    "pooling_gradients": ("pooling_gradients", SPATIAL_MAPS, {}),
    "attribution_scores": (
        "attribution_scores",
        {"scores": [result(f"spatial_attribution/scores/{network}.npz") for network in SCORED_NETWORKS]},
        INTERVALS,
    ),
    "spatial_attribution": (
        "spatial_attribution",
        SPATIAL_MAPS | {"body": "notebooks/spatial_attribution/page/body.html", "own": snakemake_paths(OWN_IMAGES)},
        {"images_are": CONFIG["images_are"]},
    ),
    "spatialNetwork": ("numbers", SPATIAL_SCORES, {"quantity": "network"} | AT_LAYER),
    "spatialSceneCount": ("numbers", SPATIAL_SCORES, {"quantity": "scenes"} | AT_LAYER),
    "spatialChance": ("numbers", SPATIAL_SCORES, {"quantity": "chance"} | AT_LAYER),
    "spatialBestName": ("numbers", SPATIAL_SCORES, {"quantity": "best_name"} | AT_LAYER),
    "spatialBestShare": ("numbers", SPATIAL_SCORES, {"quantity": "best_share"} | AT_LAYER),
    "spatialBestShareLow": ("numbers", SPATIAL_SCORES, {"quantity": "best_low"} | AT_LAYER),
    "spatialBestShareHigh": ("numbers", SPATIAL_SCORES, {"quantity": "best_high"} | AT_LAYER),
    "spatialBestPointing": ("numbers", SPATIAL_SCORES, {"quantity": "best_point"} | AT_LAYER),
    "spatialBestRankAccuracy": ("numbers", SPATIAL_SCORES, {"quantity": "best_rank"} | AT_LAYER),
    "spatialBestCurveArea": ("numbers", SPATIAL_SCORES, {"quantity": "best_curve"} | AT_LAYER),
    "spatialControlShare": ("numbers", SPATIAL_SCORES, {"quantity": "best_control"} | AT_LAYER),
    "spatialControlExcess": ("numbers", SPATIAL_SCORES, {"quantity": "best_excess"} | AT_LAYER),
    "spatialComparedLayer": ("numbers", SPATIAL_SCORES, {"quantity": "compared_layer"} | AT_LAYER),
    "spatialTrueShare": ("numbers", SPATIAL_SCORES, {"quantity": "true_share"} | AT_LAYER),
    "spatialSmoothShare": ("numbers", SPATIAL_SCORES, {"quantity": "smooth_share"} | AT_LAYER),
    "spatialBlurShare": ("numbers", SPATIAL_SCORES, {"quantity": "smooth_blur_share"} | AT_LAYER),
    "spatialBlurGain": ("numbers", SPATIAL_SCORES, {"quantity": "gain_share"} | AT_LAYER),
    "spatialBlurGainLow": ("numbers", SPATIAL_SCORES, {"quantity": "gain_low"} | AT_LAYER),
    "spatialBlurGainHigh": ("numbers", SPATIAL_SCORES, {"quantity": "gain_high"} | AT_LAYER),
    "spatialInputBestName": ("numbers", SPATIAL_SCORES, {"quantity": "input_name"} | AT_LAYER),
    "spatialInputBestShare": ("numbers", SPATIAL_SCORES, {"quantity": "input_share"} | AT_LAYER),
    "spatialPatternNetwork": ("numbers", PATTERN_SCORES, {"quantity": "network"} | AT_BEST_LAYER),
    "spatialPatternBestName": ("numbers", PATTERN_SCORES, {"quantity": "best_name"} | AT_BEST_LAYER),
    "spatialPatternBestShare": ("numbers", PATTERN_SCORES, {"quantity": "best_share"} | AT_BEST_LAYER),
    "spatialPatternGradientShare": ("numbers", PATTERN_SCORES, {"quantity": "gradient_share"} | AT_BEST_LAYER),
    "spatialPatternNetShare": ("numbers", PATTERN_SCORES, {"quantity": "pattern.net_share"} | AT_BEST_LAYER),
    "spatialPatternAttributionShare": (
        "numbers",
        PATTERN_SCORES,
        {"quantity": "pattern.attribution_share"} | AT_BEST_LAYER,
    ),
}

for item, (made_by, inputs, parameters) in names.applicable(SPATIAL_ATTRIBUTION_ITEMS).items():

    rule:
        name:
            item
        input:
            **notebook(f"spatial_attribution/{made_by}"),
            **inputs,
        output:
            names.outputs(item),
        log:
            names.executed(f"spatial_attribution/{item}"),
        localrule: True
        resources:
            mem_mb=memory(f"spatial_attribution/{made_by}"),
        params:
            job=job(**parameters),
            files=files,
        shell:
            RUN
