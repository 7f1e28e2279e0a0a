# PatternAttribution: patterns from sums over shards of the training images, how good they are, attributions of images,
# and spectra of weights, patterns and what PatternAttribution multiplies.

from netlens.workflow.external_files import contents_of, snakemake_path
from netlens.workflow.network_specs import beside_networks, image_file

PATTERN_NETWORK = CONFIG["pattern_attribution"]["network"]
PATTERN_SHARDS = CONFIG["pattern_attribution"]["shards_count"]
# Groups of images in a shard whose sums are kept apart, for intervals; ten or more in all.
PATTERN_GROUPS = -(-10 // PATTERN_SHARDS)
FIGURE_PATTERNS = result(f"patterns/{PATTERN_NETWORK}/{CONFIG['pattern_attribution']['figure_estimator']}.npz")
# What the items read.
CHECKS = {"checks": result(f"patterns/{PATTERN_NETWORK}/checks.npz")}
ATTRIBUTIONS = {"attributions": result(f"attributions/{PATTERN_NETWORK}.npz")}
ATTRIBUTED_SHARES = {"shares": result(f"attributions/{PATTERN_NETWORK}_shares.npz")}
RATIOS = {"ratios": result(f"spectra/{PATTERN_NETWORK}_ratios.npz")}
AGREEMENT = {"agreement": result(f"patterns/{PATTERN_NETWORK}/published_agreement.npz")}
PUBLISHED_PATTERNS = CONFIG["pattern_attribution"]["published_patterns"]
LAYERS = {"network": result(f"networks/{PATTERN_NETWORK}/network.json")}
ARRAYS = {"kernels": result(f"networks/{PATTERN_NETWORK}/kernels.npz"), "patterns": FIGURE_PATTERNS}
SPECTRA = {"spectra": result(f"spectra/{PATTERN_NETWORK}.npz")}
SPECTRA_PICTURES = {"pictures": result(f"spectra/{PATTERN_NETWORK}_pictures.npz")}
# Networks whose ratios are shown together, the section's own first.
SIDE_BY_SIDE = [PATTERN_NETWORK, *beside_networks(CONFIG)]
RATIOS_SIDE_BY_SIDE = {"ratios": [result(f"spectra/{network}_ratios.npz") for network in SIDE_BY_SIDE]}
RATIOS_BESIDE = {"ratios": result(f"spectra/{SIDE_BY_SIDE[min(1, len(SIDE_BY_SIDE) - 1)]}_ratios.npz")}


rule pattern_sums:
    input:
        **notebook("pattern_attribution/pattern_sums"),
        model=result("networks/{network}/network.h5"),
        network=result("networks/{network}/network.json"),
        kernels=result("networks/{network}/kernels.npz"),
        train=lambda wildcards: image_file(CONFIG, wildcards.network, "train"),
    output:
        sums=result("patterns/{network}/sums/{part}of{parts}.npz"),
        taps=result("patterns/{network}/sums/{part}of{parts}_taps.npz"),
        record=result("patterns/{network}/sums/{part}of{parts}.json"),
    log:
        names.executed("pattern_attribution/pattern_sums_{network}_{part}of{parts}"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("pattern_attribution/pattern_sums"),
    params:
        job=job(
            gpu=True,
            part=lambda wildcards: int(wildcards.part),
            parts=lambda wildcards: int(wildcards.parts),
            groups_count=PATTERN_GROUPS,
            **settings("pattern_attribution", "batch_size_count"),
        ),
        files=files,
    shell:
        RUN


rule patterns:
    input:
        **notebook("pattern_attribution/patterns"),
        kernels=result("networks/{network}/kernels.npz"),
        sums=[
            result(f"patterns/{{network}}/sums/{part}of{PATTERN_SHARDS}.npz") for part in range(1, PATTERN_SHARDS + 1)
        ],
    output:
        linear=result("patterns/{network}/linear.npz"),
        relu=result("patterns/{network}/relu.npz"),
        relu_negative=result("patterns/{network}/relu_negative.npz"),
        counts=result("patterns/{network}/counts.npz"),
        record=result("patterns/{network}/patterns.json"),
    log:
        names.executed("pattern_attribution/patterns_{network}"),
    priority: 1
    resources:
        mem_mb=memory("pattern_attribution/patterns"),
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule pattern_checks:
    input:
        **notebook("pattern_attribution/pattern_checks"),
        model=result("networks/{network}/network.h5"),
        network=result("networks/{network}/network.json"),
        heldout=lambda wildcards: image_file(CONFIG, wildcards.network, "heldout"),
        kernels=result("networks/{network}/kernels.npz"),
        linear=result("patterns/{network}/linear.npz"),
        relu=result("patterns/{network}/relu.npz"),
        relu_negative=result("patterns/{network}/relu_negative.npz"),
        counts=result("patterns/{network}/counts.npz"),
        taps=[
            result(f"patterns/{{network}}/sums/{part}of{PATTERN_SHARDS}_taps.npz")
            for part in range(1, PATTERN_SHARDS + 1)
        ],
    output:
        multiext(result("patterns/{network}/checks"), ".npz", ".json"),
    log:
        names.executed("pattern_attribution/pattern_checks_{network}"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("pattern_attribution/pattern_checks"),
    params:
        job=job(gpu=True, **settings("pattern_attribution", "positions_per_image_count", "quality_images_count")),
        files=files,
    shell:
        RUN


# Function, signal and attribution of the study's images: computed once, drawn in two figures.
rule attributions:
    input:
        result(f"networks/{PATTERN_NETWORK}/network.json"),
        **notebook("pattern_attribution/attributions"),
        model=result(f"networks/{PATTERN_NETWORK}/network.h5"),
        heldout=image_file(CONFIG, PATTERN_NETWORK, "heldout"),
        evaluation=result(f"networks/{PATTERN_NETWORK}/evaluation.npz"),
        patterns=FIGURE_PATTERNS,
    output:
        **ATTRIBUTIONS,
        **ATTRIBUTED_SHARES,
        record=result(f"attributions/{PATTERN_NETWORK}.json"),
    log:
        names.executed("pattern_attribution/attributions"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("pattern_attribution/attributions"),
    params:
        job=job(
            gpu=True,
            **settings("signal_distractor", "taxonomy_classes"),
            **settings("pattern_attribution", "example_class", "share_images_count"),
        ),
        files=files,
    shell:
        RUN


if PUBLISHED_PATTERNS:

    rule published_agreement:
        input:
            **notebook("pattern_attribution/published_agreement"),
            network=result(f"networks/{PATTERN_NETWORK}/network.json"),
            published=snakemake_path(PUBLISHED_PATTERNS),
            relu=result(f"patterns/{PATTERN_NETWORK}/relu.npz"),
        output:
            multiext(result(f"patterns/{PATTERN_NETWORK}/published_agreement"), ".npz", ".json"),
        log:
            names.executed("pattern_attribution/published_agreement"),
        priority: 1
        resources:
            mem_mb=memory("pattern_attribution/published_agreement"),
        params:
            job=job(),
            files=files,
            content=lambda wildcards: contents_of([PUBLISHED_PATTERNS]),
        shell:
            RUN


rule singular_ratios:
    input:
        **notebook("pattern_attribution/singular_ratios"),
        kernels=result("networks/{network}/kernels.npz"),
        network=result("networks/{network}/network.json"),
        patterns=result(f"patterns/{{network}}/{CONFIG['pattern_attribution']['figure_estimator']}.npz"),
        taps=[
            result(f"patterns/{{network}}/sums/{part}of{PATTERN_SHARDS}_taps.npz")
            for part in range(1, PATTERN_SHARDS + 1)
        ],
    output:
        ratios=result("spectra/{network}_ratios.npz"),
        record=result("spectra/{network}_ratios.json"),
    log:
        names.executed("pattern_attribution/singular_ratios_{network}"),
    priority: 1
    resources:
        mem_mb=memory("pattern_attribution/singular_ratios"),
    params:
        job=job(estimator=CONFIG["pattern_attribution"]["figure_estimator"]),
        files=files,
    shell:
        RUN


rule spectra:
    input:
        **notebook("pattern_attribution/spectra"),
        **LAYERS,
        **RATIOS,
        kernels=result(f"networks/{PATTERN_NETWORK}/kernels.npz"),
        patterns=FIGURE_PATTERNS,
    output:
        **SPECTRA,
        **SPECTRA_PICTURES,
        record=result(f"spectra/{PATTERN_NETWORK}.json"),
    log:
        names.executed("pattern_attribution/spectra"),
    priority: 1
    resources:
        mem_mb=memory("pattern_attribution/spectra"),
    params:
        job=job(**settings("pattern_attribution", "picture_px", "pictures_count")),
        files=files,
    shell:
        RUN


# Macro, of which there is one of its logarithm too: what it reads, of which matrix, and what is summed up.
RATIO_NUMBERS = {
    "weightSingularRatioProd": (RATIOS, "weights", "inter_layer"),
    "weightLayerRatioProd": (RATIOS, "weights", "layer"),
    "weightChainRatio": (RATIOS, "weights", "chain"),
    "patternSingularRatioProd": (RATIOS, "pattern_attribution", "inter_layer"),
    "patternLayerRatioProd": (RATIOS, "pattern_attribution", "layer"),
    "patternChainRatio": (RATIOS, "pattern_attribution", "chain"),
    "besideWeightSingularRatioProd": (RATIOS_BESIDE, "weights", "inter_layer"),
    "besidePatternSingularRatioProd": (RATIOS_BESIDE, "pattern_attribution", "inter_layer"),
    "besidePatternChainRatio": (RATIOS_BESIDE, "pattern_attribution", "chain"),
}

# Item: the notebook that makes it, what that reads, its parameters.
PATTERN_ATTRIBUTION_ITEMS = {
    "attribution_example": ("attribution_example", ATTRIBUTIONS, {}),
    "attributedShare": ("attributed_share", ATTRIBUTED_SHARES, {}),
    "layer_table": ("layer_table", LAYERS, {}),
    "per_layer": ("per_layer", RATIOS, {}),
    "whole_convolutions": ("whole_convolutions", LAYERS | ARRAYS, {}),
    "centerTapShare": ("center_tap_number", LAYERS | {"kernels": ARRAYS["kernels"]}, {}),
    "inter_layer": ("inter_layer", RATIOS, {}),
    "inter_layer_networks": ("inter_layer_networks", RATIOS_SIDE_BY_SIDE, {"networks": SIDE_BY_SIDE}),
    "pattern_net": ("pattern_net", RATIOS, {}),
    "layer_spectra": ("layer_spectra", SPECTRA, {}),
    "absolute_spectra": ("absolute_spectra", SPECTRA, {}),
    "inter_layer_spectra": ("inter_layer_spectra", SPECTRA, {}),
    "inter_layer_neighbours": ("inter_layer_neighbours", SPECTRA, {}),
    "chain_spectrum": ("chain_spectrum", RATIOS, {}),
    "chain_decomposition": ("chain_decomposition", SPECTRA_PICTURES, {}),
    "column_norms": ("column_norms", SPECTRA | LAYERS, {"layer": CONFIG["pattern_attribution"]["column_norms_layer"]}),
    "svd_grid_weights": ("svd_grid", SPECTRA_PICTURES, {"kind": "weights"}),
    "svd_grid_patterns": ("svd_grid", SPECTRA_PICTURES, {"kind": "patterns"}),
    "svd_grid_pattern_attribution": ("svd_grid", SPECTRA_PICTURES, {"kind": "pattern_attribution"}),
    "rotations_weights": ("rotations", SPECTRA_PICTURES, {"kind": "weights"}),
    "rotations_patterns": ("rotations", SPECTRA_PICTURES, {"kind": "patterns"}),
    "rotations_pattern_attribution": ("rotations", SPECTRA_PICTURES, {"kind": "pattern_attribution"}),
    "pattern_quality": ("pattern_quality", CHECKS, {}),
    "pattern_diagnostics": ("pattern_diagnostics", CHECKS, {}),
    "patternImageCount": ("pattern_number", CHECKS, {"quantity": "images", "estimator": ""}),
    "unitCount": ("pattern_number", CHECKS, {"quantity": "units", "estimator": ""}),
    "deadUnitCount": ("pattern_number", CHECKS, {"quantity": "dead_units", "estimator": ""}),
    "signalQualityRandom": ("pattern_number", CHECKS, {"quantity": "quality", "estimator": "random"}),
    "signalQualityWeight": ("pattern_number", CHECKS, {"quantity": "quality", "estimator": "w"}),
    "signalQualityLinear": ("pattern_number", CHECKS, {"quantity": "quality", "estimator": "linear"}),
    "signalQualityTwoComponent": ("pattern_number", CHECKS, {"quantity": "quality", "estimator": "two_component"}),
    "published_patterns": ("published_patterns", AGREEMENT, {}),
    "publishedPatternCosine": ("published_number", AGREEMENT, {}),
}
for macro, (inputs, matrix, summary) in RATIO_NUMBERS.items():
    for suffix, log10 in (("", False), ("LogTen", True)):
        parameters = {"matrix": matrix, "summary": summary, "log10": log10}
        PATTERN_ATTRIBUTION_ITEMS[macro + suffix] = ("singular_ratio_number", inputs, parameters)

for item, (made_by, inputs, parameters) in names.applicable(PATTERN_ATTRIBUTION_ITEMS).items():

    rule:
        name:
            item
        input:
            **notebook(f"pattern_attribution/{made_by}"),
            **inputs,
        output:
            names.outputs(item),
        log:
            names.executed(f"pattern_attribution/{item}"),
        localrule: True
        resources:
            mem_mb=memory(f"pattern_attribution/{made_by}"),
        params:
            job=job(**parameters),
            files=files,
        shell:
            RUN
