# Model comparison: activations of the compared networks at one sample of images and positions, their second moments,
# similarities of all layers, one unit's analogies, caricatures of one image, and the networks' graphs.

from itertools import combinations

from netlens.workflow.image_specs import names_of
from netlens.workflow.network_specs import compared_networks

# One to three networks. Items that need one which the study does not have are left out at the end of this file; until
# then the last network stands for it.
COMPARED = compared_networks(CONFIG)
FIRST, SECOND, THIRD = (COMPARED + 2 * COMPARED[-1:])[:3]
COMPARED_IMAGES = CONFIG["model_comparison"].get("images", CONFIG["data"]["images"])
COMPARED_TRAIN = result(f"images/{COMPARED_IMAGES}/train.npz")
COMPARED_HELDOUT = result(f"images/{COMPARED_IMAGES}/heldout.npz")
COMPARISON_SAMPLE = result("model_comparison/sample.npz")

# One shard of a network's activations at training images and at held-out images.
SHARDS = CONFIG["model_comparison"]["shards_count"]
EACH_SHARD = range(1, SHARDS + 1)
TRAIN_ACTIVATIONS = result(f"model_comparison/activations/{{network}}/train_{{shard}}of{SHARDS}.npz")
HELDOUT_ACTIVATIONS = result(f"model_comparison/activations/{{network}}/heldout_{{shard}}of{SHARDS}.npz")

# Second moments of activations: of each network with itself, and of each pair of networks.
SECOND_MOMENTS = result("model_comparison/second_moments/{first}--{second}.npz")
PAIRS = [(name, name) for name in COMPARED] + list(combinations(COMPARED, 2))
PAIR_NAMES = {"first": [first for first, _ in PAIRS], "second": [second for _, second in PAIRS]}

# The similarity of each pair of networks if they were unrelated.
SIMILARITY_NULL = result("model_comparison/null/{first}--{second}.npz")

# The first network beside a copy of it with random weights.
RANDOM_WEIGHTS = result(f"model_comparison/random/{FIRST}.npz")

# Feature visualizations of one unit's directions in the layers of a network.
ANALOGY_PICTURES = result("model_comparison/analogies/{network}.npz")

CARICATURE_IMAGE = result("model_comparison/caricature_image.npz")
CARICATURES = result("model_comparison/caricatures/{network}.npz")
NETWORK_GRAPH = result("model_comparison/graphs/{network}.npz")


rule comparison_sample:
    input:
        **notebook("model_comparison/sample"),
        train_images=COMPARED_TRAIN,
        heldout_images=COMPARED_HELDOUT,
    output:
        multiext(result("model_comparison/sample"), ".npz", ".json"),
    log:
        names.executed("model_comparison/sample"),
    resources:
        mem_mb=memory("model_comparison/sample"),
    params:
        job=job(**settings("model_comparison", "images_count", "heldout_count", "positions_per_image_count")),
        files=files,
    shell:
        RUN


# Depends on one network only, so adding a network to the study does not recompute those of the others.
rule comparison_activations:
    input:
        result("networks/{network}/frozen.json"),
        **notebook("model_comparison/activations"),
        frozen=result("networks/{network}/frozen.pb"),
        sample=COMPARISON_SAMPLE,
        train_images=COMPARED_TRAIN,
        heldout_images=COMPARED_HELDOUT,
    output:
        train=TRAIN_ACTIVATIONS,
        heldout=HELDOUT_ACTIVATIONS,
        record=result(f"model_comparison/activations/{{network}}/{{shard}}of{SHARDS}.json"),
    log:
        names.executed(f"model_comparison/activations_{{network}}_{{shard}}of{SHARDS}"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("model_comparison/activations"),
    params:
        job=job(
            gpu=True,
            layers=lambda wildcards: CONFIG["model_comparison"]["layers"].get(wildcards.network, []),
            **settings("model_comparison", "layers_count"),
            shard=lambda wildcards: int(wildcards.shard),
            shards_count=SHARDS,
        ),
        files=files,
    shell:
        RUN


rule comparison_second_moments:
    input:
        **notebook("model_comparison/second_moments"),
        first=expand(TRAIN_ACTIVATIONS, network="{first}", shard=EACH_SHARD),
        second=expand(TRAIN_ACTIVATIONS, network="{second}", shard=EACH_SHARD),
    output:
        multiext(result("model_comparison/second_moments/{first}--{second}"), ".npz", ".json"),
    log:
        names.executed("model_comparison/second_moments_{first}--{second}"),
    priority: 1
    resources:
        mem_mb=memory("model_comparison/second_moments"),
    params:
        job=job(),
        files=files,
    shell:
        RUN


# A network's own layers are whitened once, however many networks it is compared with.
rule similarity:
    input:
        **notebook("model_comparison/similarity"),
        second_moments=expand(SECOND_MOMENTS, zip, **PAIR_NAMES),
    output:
        multiext(result("model_comparison/similarity"), ".npz", ".json"),
    log:
        names.executed("model_comparison/similarity"),
    priority: 1
    resources:
        mem_mb=memory("model_comparison/similarity"),
    params:
        job=job(**PAIR_NAMES, **settings("model_comparison", "centred", "ridge", "svcca_variance")),
        files=files,
    shell:
        RUN


# After permutations of the images of one of the two networks.
rule similarity_null:
    input:
        **notebook("model_comparison/similarity_null"),
        sample=COMPARISON_SAMPLE,
        first=expand(TRAIN_ACTIVATIONS, network="{first}", shard=EACH_SHARD),
        second=expand(TRAIN_ACTIVATIONS, network="{second}", shard=EACH_SHARD),
    output:
        multiext(result("model_comparison/null/{first}--{second}"), ".npz", ".json"),
    log:
        names.executed("model_comparison/similarity_null_{first}--{second}"),
    priority: 1
    resources:
        mem_mb=memory("model_comparison/similarity_null"),
    params:
        job=job(
            networks=lambda wildcards: [wildcards.first, wildcards.second],
            permutations_count=CONFIG["model_comparison"]["null_permutations_count"],
            **settings("model_comparison", "centred", "ridge"),
        ),
        files=files,
    shell:
        RUN


# The first network beside a copy of it with random weights.
rule random_weights:
    input:
        result(f"networks/{FIRST}/frozen.json"),
        **notebook("model_comparison/random_weights"),
        frozen=result(f"networks/{FIRST}/frozen.pb"),
        sample=COMPARISON_SAMPLE,
        train_images=COMPARED_TRAIN,
        activations=expand(TRAIN_ACTIVATIONS, network=FIRST, shard=EACH_SHARD),
    output:
        random=RANDOM_WEIGHTS,
        record=result(f"model_comparison/random/{FIRST}.json"),
    log:
        names.executed("model_comparison/random_weights"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("model_comparison/random_weights"),
    params:
        job=job(
            gpu=True,
            permutations_count=CONFIG["model_comparison"]["null_permutations_count"],
            **settings("model_comparison", "centred", "ridge"),
        ),
        files=files,
    shell:
        RUN


# A unit of the first network in the layers of all networks: directions and how well they predict it.
rule analogies:
    input:
        **notebook("model_comparison/analogies"),
        sample=COMPARISON_SAMPLE,
        own=[SECOND_MOMENTS.format(first=network, second=network) for network in COMPARED],
        cross=[SECOND_MOMENTS.format(first=FIRST, second=network) for network in COMPARED],
        heldout=[
            path for network in COMPARED for path in expand(HELDOUT_ACTIVATIONS, network=network, shard=EACH_SHARD)
        ],
    output:
        multiext(result("model_comparison/analogies"), ".npz", ".json"),
    log:
        names.executed("model_comparison/analogies"),
    resources:
        mem_mb=memory("model_comparison/analogies"),
    params:
        job=job(networks=COMPARED, **settings("model_comparison", "unit_layer", "unit", "centred", "ridge")),
        files=files,
    shell:
        RUN


# What is already in the store is not rendered again.
rule analogy_pictures:
    input:
        result("networks/{network}/frozen.json"),
        **notebook("model_comparison/analogy_pictures"),
        analogies=result("model_comparison/analogies.npz"),
        frozen=result("networks/{network}/frozen.pb"),
    output:
        pictures=ANALOGY_PICTURES,
        record=result("model_comparison/analogies/{network}.json"),
    log:
        names.executed("model_comparison/analogy_pictures_{network}"),
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    priority: 2
    resources:
        gpu=GPU,
        mem_mb=memory("model_comparison/analogy_pictures"),
    params:
        job=job(
            gpu=True,
            **settings("model_comparison", "picture_px", "picture_steps_count"),
            cosine_power=CONFIG["model_comparison"]["analogy_cosine_power"],
            store=lambda wildcards: result(f"feature_visualizations/{wildcards.network}"),
        ),
        files=files,
    shell:
        RUN


rule caricature_image:
    input:
        result(f"networks/{FIRST}/frozen.json"),
        **notebook("model_comparison/caricature_image"),
        frozen=result(f"networks/{FIRST}/frozen.pb"),
        heldout=COMPARED_HELDOUT,
    output:
        image=CARICATURE_IMAGE,
        record=result("model_comparison/caricature_image.json"),
    log:
        names.executed("model_comparison/caricature_image"),
    resources:
        gpu=GPU,
        mem_mb=memory("model_comparison/caricature_image"),
    params:
        job=job(gpu=True, **settings("model_comparison", "caricature_class", "picture_px")),
        files=files,
    shell:
        RUN


# Two per layer; what is already in the store is not rendered again.
rule network_caricatures:
    input:
        result("networks/{network}/frozen.json"),
        **notebook("model_comparison/caricatures"),
        frozen=result("networks/{network}/frozen.pb"),
        image=CARICATURE_IMAGE,
    output:
        caricatures=CARICATURES,
        record=result("model_comparison/caricatures/{network}.json"),
    log:
        names.executed("model_comparison/network_caricatures_{network}"),
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("model_comparison/caricatures"),
    params:
        job=job(
            gpu=True,
            layers=lambda wildcards: CONFIG["model_comparison"]["layers"].get(wildcards.network, []),
            **settings("model_comparison", "layers_count", "caricature_layers_count"),
            steps_count=CONFIG["model_comparison"]["caricature_steps_count"],
            store=lambda wildcards: result(f"feature_visualizations/{wildcards.network}"),
        ),
        files=files,
    shell:
        RUN


# A network's layers and connections, and their drawing.
rule network_graph:
    input:
        result("networks/{network}/frozen.json"),
        **notebook("model_comparison/network_graph"),
        frozen=result("networks/{network}/frozen.pb"),
    output:
        graph=NETWORK_GRAPH,
        record=result("model_comparison/graphs/{network}.json"),
    log:
        names.executed("model_comparison/network_graph_{network}"),
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    resources:
        mem_mb=memory("model_comparison/network_graph"),
    params:
        job=job(
            layers=lambda wildcards: CONFIG["model_comparison"]["layers"].get(wildcards.network, []),
            **settings("model_comparison", "layers_count"),
        ),
        files=files,
    shell:
        RUN


# Inputs of the items.
SIMILARITY = {"similarity": result("model_comparison/similarity.npz")}
ANALOGIES = {"analogies": result("model_comparison/analogies.npz")}
ANALOGY_SHEETS = {
    network: ANALOGIES
    | {
        "pictures": ANALOGY_PICTURES.format(network=network),
        "unit_pictures": ANALOGY_PICTURES.format(network=FIRST),
    }
    for network in COMPARED
}
FIRST_CARICATURES = {"caricatures": CARICATURES.format(network=FIRST)}
ALL_CARICATURES = {"caricatures": expand(CARICATURES, network=COMPARED)}
ALL_GRAPHS = {"graphs": expand(NETWORK_GRAPH, network=COMPARED)} | ALL_CARICATURES
GRAPH_PAGES = "notebooks/model_comparison/page"
NULLS = {"nulls": [SIMILARITY_NULL.format(first=first, second=second) for first, second in combinations(COMPARED, 2)]}
FIRST_NULL = {"null": SIMILARITY_NULL.format(first=FIRST, second=SECOND)}
PLANTED = {"sample": COMPARISON_SAMPLE, "activations": expand(TRAIN_ACTIVATIONS, network=FIRST, shard=EACH_SHARD)}
NUMBERS = SIMILARITY | {"sample": COMPARISON_SAMPLE}
IMAGES_ARE = {"images_are": CONFIG["images_are"]}
FIRST_TWO = {"first": FIRST, "second": SECOND}
FIRST_TWO_ACTIVATIONS = {
    f"{place}_activations": expand(TRAIN_ACTIVATIONS, network=network, shard=EACH_SHARD)
    for place, network in FIRST_TWO.items()
}

# Item: the notebook that makes it, its inputs, its parameters.
MODEL_COMPARISON_ITEMS = {
    "similarity_self": ("similarity_matrices", SIMILARITY | {"nulls": []}, {"which": "self"}),
    "similarity_pairs": ("similarity_matrices", SIMILARITY | NULLS, {"which": "pairs"}),
    "similarity_calibrated": ("similarity_calibrated", NULLS, {}),
    "similarity_nulls": ("similarity_nulls", NULLS | {"random": RANDOM_WEIGHTS}, {}),
    "planted_truth": ("planted_truth", PLANTED, {}),
    "similarity_measures": ("similarity_measures", SIMILARITY | FIRST_NULL, FIRST_TWO),
    "aligned_networks": (
        "aligned_networks",
        SIMILARITY | FIRST_NULL | {key: NETWORK_GRAPH.format(network=network) for key, network in FIRST_TWO.items()},
        {},
    ),
    "analogies_first": ("analogies_sheet", ANALOGY_SHEETS[FIRST], {"network": FIRST}),
    "analogies_second": ("analogies_sheet", ANALOGY_SHEETS[SECOND], {"network": SECOND}),
    "analogies_third": ("analogies_sheet", ANALOGY_SHEETS[THIRD], {"network": THIRD}),
    "analogy_quality": ("analogy_quality", ANALOGIES, {}),
    "caricatures": ("caricature_layers", FIRST_CARICATURES, {}),
    "caricatures_networks": ("caricature_networks", ALL_CARICATURES, {}),
    "layer_graph": (
        "layer_graph",
        {"graph": NETWORK_GRAPH.format(network=FIRST)}
        | FIRST_CARICATURES
        | {"body": f"{GRAPH_PAGES}/layer_graph.html"},
        IMAGES_ARE,
    ),
    "node_graph": ("node_graph", ALL_GRAPHS | {"body": f"{GRAPH_PAGES}/node_graph.html"}, IMAGES_ARE),
    "aligned_graphs": (
        "aligned_graphs",
        SIMILARITY | ALL_GRAPHS | {"body": f"{GRAPH_PAGES}/aligned_graphs.html"},
        IMAGES_ARE,
    ),
    "comparedFirst": ("numbers", NUMBERS, {"first": FIRST, "second": FIRST, "quantity": "name"}),
    "comparedSecond": ("numbers", NUMBERS, {"first": SECOND, "second": SECOND, "quantity": "name"}),
    "comparedThird": ("numbers", NUMBERS, {"first": THIRD, "second": THIRD, "quantity": "name"}),
    "comparisonImages": ("numbers", NUMBERS, FIRST_TWO | {"quantity": "images"}),
    "comparisonPositions": ("numbers", NUMBERS, FIRST_TWO | {"quantity": "positions"}),
    "smallestRankShare": ("numbers", NUMBERS, FIRST_TWO | {"quantity": "smallest_rank_share"}),
    "meanSelfSimilarity": ("numbers", NUMBERS, FIRST_TWO | {"quantity": "mean_self"}),
    "meanPairSimilarity": ("numbers", NUMBERS, FIRST_TWO | {"quantity": "mean_pair"}),
    "bestPairFirst": ("numbers", NUMBERS, FIRST_TWO | {"quantity": "best_first"}),
    "bestPairSecond": ("numbers", NUMBERS, FIRST_TWO | {"quantity": "best_second"}),
    "bestPairSimilarity": ("best_pair_number", NUMBERS | FIRST_TWO_ACTIVATIONS, FIRST_TWO),
    "shareBeyondChance": ("null_number", FIRST_NULL, {"quantity": "share"}),
    "debiasedBeyondChance": ("null_number", FIRST_NULL, {"quantity": "debiased"}),
    "meanPairCalibrated": ("null_number", FIRST_NULL, {"quantity": "mean"}),
    "equalDepthBeyondChance": ("null_number", FIRST_NULL, {"quantity": "equal_depth"}),
    "equalDepthGain": ("null_number", FIRST_NULL, {"quantity": "equal_depth_gain"}),
    "plantedTruthRight": ("planted_number", PLANTED, {}),
    "analogyUnit": ("analogy_number", ANALOGIES, {"quantity": "unit"}),
    "analogyBestLayer": ("analogy_number", ANALOGIES, {"quantity": "best_layer"}),
    "analogyBestRSquared": ("analogy_number", ANALOGIES, {"quantity": "best_r2"}),
    "analogyCeilingRSquared": ("analogy_number", ANALOGIES, {"quantity": "ceiling_r2"}),
    "analogyMeanRSquared": ("analogy_number", ANALOGIES, {"quantity": "mean_r2"}),
}

for item, (made_by, inputs, parameters) in names.applicable(MODEL_COMPARISON_ITEMS).items():

    rule:
        name:
            item
        input:
            **notebook(f"model_comparison/{made_by}"),
            **inputs,
        output:
            names.outputs(item),
        log:
            names.executed(f"model_comparison/{item}"),
        localrule: True
        resources:
            mem_mb=memory(f"model_comparison/{made_by}"),
        params:
            job=job(**parameters),
            files=files,
        shell:
            RUN
