# Weights: expanded weights, what the figures show of them, their factors, feature visualizations.

from netlens.workflow.network_specs import image_file

WEIGHTS_NETWORK = CONFIG["weights"].get("network", CONFIG["models"]["network"])
# What the items read.
EXPANDED = {"expanded": result("weights/expanded.npz")}
ANALYSIS = {"analysis": result("weights/analysis.npz")}
FACTORS = {"factors": result("weights/factors.npz")}
VISUALIZATIONS = {"feature_visualizations": result("weights/feature_visualizations.npz")}
EXAMPLES = {"dataset_examples": result("weights/dataset_examples.npz")}
EDITED = {"edited_circuit": result("weights/edited_circuit.npz")}
# Feature visualizations that the analysis and the factors request.
ANALYSIS_REQUESTS = result("weights/analysis_requests.npz")
FACTORS_REQUESTS = result("weights/factors_requests.npz")
VISUALIZATION_SETTINGS = settings("weights", "picture_px", "picture_steps_count", "picture_position")
PICTURES = settings("weights", "pictures")


# Linear maps between layers, named by the study or chosen from the graph, computed in two ways.
rule expanded:
    input:
        result(f"networks/{WEIGHTS_NETWORK}/frozen.json"),
        **notebook("weights/expanded"),
        frozen=result(f"networks/{WEIGHTS_NETWORK}/frozen.pb"),
    output:
        **EXPANDED,
        record=result("weights/expanded.json"),
    log:
        names.executed("weights/expanded"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("weights/expanded"),
    params:
        job=job(
            gpu=True,
            **settings("weights", "source", "target", "next", "window_positions_count"),
            **settings("weights", "first_group_source", "first_group_target"),
            **settings("weights", "second_group_source", "second_group_target"),
        ),
        files=files,
    shell:
        RUN


# Which units and connections are shown, and the feature visualizations that the figures need of them.
rule weights_analysis:
    input:
        **notebook("weights/analysis"),
        **EXPANDED,
    output:
        **ANALYSIS,
        requests=ANALYSIS_REQUESTS,
        record=result("weights/analysis.json"),
    log:
        names.executed("weights/analysis"),
    resources:
        mem_mb=memory("weights/analysis"),
    params:
        job=job(
            **settings("weights", "unit", "source_unit", "strongest_count", "positions_count"),
            **settings("weights", "removed_inputs", "removed_inputs_count"),
            **VISUALIZATION_SETTINGS,
            **PICTURES,
        ),
        files=files,
    shell:
        RUN


# Factors of one unit, of a row of units, and of groups of related units together.
rule weights_factors:
    input:
        **notebook("weights/factors"),
        **EXPANDED,
        **ANALYSIS,
    output:
        **FACTORS,
        requests=FACTORS_REQUESTS,
        record=result("weights/factors.json"),
    log:
        names.executed("weights/weights_factors"),
    resources:
        mem_mb=memory("weights/factors"),
    params:
        job=job(
            **settings("weights", "first_group", "second_group", "row_units", "row_units_count"),
            **VISUALIZATION_SETTINGS,
            **PICTURES,
        ),
        files=files,
    shell:
        RUN


# Every feature visualization that a figure of this section needs, by its key; what the store has is not rendered again.
rule feature_visualizations:
    input:
        result(f"networks/{WEIGHTS_NETWORK}/frozen.json"),
        **notebook("weights/feature_visualizations"),
        frozen=result(f"networks/{WEIGHTS_NETWORK}/frozen.pb"),
        requests=[ANALYSIS_REQUESTS, FACTORS_REQUESTS],
    output:
        **VISUALIZATIONS,
        record=result("weights/feature_visualizations.json"),
    log:
        names.executed("weights/feature_visualizations"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("weights/feature_visualizations"),
    params:
        job=job(gpu=True, store=result(f"feature_visualizations/{WEIGHTS_NETWORK}")),
        files=files,
    shell:
        RUN


# The held-out images that each visualized unit or direction responds to most, cut to what it sees.
rule dataset_examples:
    input:
        result(f"networks/{WEIGHTS_NETWORK}/frozen.json"),
        **notebook("weights/dataset_examples"),
        frozen=result(f"networks/{WEIGHTS_NETWORK}/frozen.pb"),
        images=image_file(CONFIG, WEIGHTS_NETWORK, "heldout"),
        requests=[ANALYSIS_REQUESTS, FACTORS_REQUESTS],
    output:
        **EXAMPLES,
        record=result("weights/dataset_examples.json"),
    log:
        names.executed("weights/dataset_examples"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("weights/dataset_examples"),
    params:
        job=job(gpu=True, **settings("weights", "examples_images_count")),
        files=files,
    shell:
        RUN


# The examined unit in copies of the network from which connections into it are removed.
rule circuit_editing:
    input:
        result(f"networks/{WEIGHTS_NETWORK}/frozen.json"),
        **notebook("weights/circuit_editing"),
        **ANALYSIS,
        **EXAMPLES,
        frozen=result(f"networks/{WEIGHTS_NETWORK}/frozen.pb"),
        images=image_file(CONFIG, WEIGHTS_NETWORK, "heldout"),
    output:
        **EDITED,
        record=result("weights/edited_circuit.json"),
    log:
        names.executed("weights/circuit_editing"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("weights/circuit_editing"),
    params:
        job=job(gpu=True, **VISUALIZATION_SETTINGS),
        files=files,
    shell:
        RUN


SHOWN_CONNECTIONS = ANALYSIS | VISUALIZATIONS | EXAMPLES
SHOWN_FACTORS = FACTORS | VISUALIZATIONS | EXAMPLES

# Item: the notebook that makes it, what the notebook reads, its parameters.
WEIGHTS_ITEMS = {
    "first_layer_kernels": ("first_layer_kernels", EXPANDED, settings("weights", "columns_count")),
    "first_layer_expanded": ("first_layer_expanded", EXPANDED, {}),
    "connection": ("connection", SHOWN_CONNECTIONS, {}),
    "strongest_inputs": ("strongest", SHOWN_CONNECTIONS, {"side": "inputs"}),
    "strongest_uses": ("strongest", SHOWN_CONNECTIONS, {"side": "uses"}),
    "edited_circuit": ("edited_circuit", EDITED | VISUALIZATIONS | EXAMPLES, {}),
    "spatial_positions": ("spatial_positions", SHOWN_CONNECTIONS, {}),
    "nmf_rgb": ("nmf_rgb", SHOWN_FACTORS, {}),
    "nmf_factors": ("nmf_factors", SHOWN_FACTORS, {}),
    "nmf_row": ("nmf_row", SHOWN_FACTORS, {}),
    "joint_nmf_first": ("joint_nmf", SHOWN_FACTORS, {"group": "first_group"}),
    "joint_nmf_second": ("joint_nmf", SHOWN_FACTORS, {"group": "second_group"}),
    "weightsNetwork": ("numbers", EXPANDED | ANALYSIS, {"quantity": "network"}),
    "weightsSource": ("numbers", EXPANDED | ANALYSIS, {"quantity": "source"}),
    "weightsTarget": ("numbers", EXPANDED | ANALYSIS, {"quantity": "target"}),
    "weightsUsing": ("numbers", EXPANDED | ANALYSIS, {"quantity": "using"}),
    "weightsUnit": ("numbers", EXPANDED | ANALYSIS, {"quantity": "unit"}),
    "weightsSourceUnit": ("numbers", EXPANDED | ANALYSIS, {"quantity": "source_unit"}),
    "expandedWeightsWindow": ("numbers", EXPANDED | ANALYSIS, {"quantity": "window"}),
    "expandedWeightsDifference": ("numbers", EXPANDED | ANALYSIS, {"quantity": "expanded_difference"}),
    "firstLayerDifference": ("numbers", EXPANDED | ANALYSIS, {"quantity": "first_difference"}),
    "strongestInputsShare": ("numbers", EXPANDED | ANALYSIS, {"quantity": "inputs_share"}),
    "editedCircuitLost": ("edited_circuit_number", EDITED, {"quantity": "lost"}),
    "editedCircuitFirstLost": ("edited_circuit_number", EDITED, {"quantity": "first_lost"}),
    "editedCircuitOthersLost": ("edited_circuit_number", EDITED, {"quantity": "others_lost"}),
    "editedCircuitRemoved": ("edited_circuit_number", EDITED, {"quantity": "count"}),
    "firstGroupUnits": ("factor_number", FACTORS, {"group": "first_group", "quantity": "units", "number": 0}),
    "firstGroupShareOne": ("factor_number", FACTORS, {"group": "first_group", "quantity": "share", "number": 1}),
    "firstGroupShareTwo": ("factor_number", FACTORS, {"group": "first_group", "quantity": "share", "number": 2}),
    "firstGroupVarianceOne": ("factor_number", FACTORS, {"group": "first_group", "quantity": "variance", "number": 1}),
    "firstGroupVarianceTwo": ("factor_number", FACTORS, {"group": "first_group", "quantity": "variance", "number": 2}),
    "firstGroupVarianceThree": (
        "factor_number",
        FACTORS,
        {"group": "first_group", "quantity": "variance", "number": 3},
    ),
    "firstGroupVarianceFour": ("factor_number", FACTORS, {"group": "first_group", "quantity": "variance", "number": 4}),
    "firstGroupVarianceFive": ("factor_number", FACTORS, {"group": "first_group", "quantity": "variance", "number": 5}),
    "firstGroupError": ("factor_number", FACTORS, {"group": "first_group", "quantity": "error", "number": 0}),
    "firstGroupChannelsOne": ("factor_number", FACTORS, {"group": "first_group", "quantity": "channels", "number": 1}),
    "firstGroupChannelsTwo": ("factor_number", FACTORS, {"group": "first_group", "quantity": "channels", "number": 2}),
    "secondGroupUnits": ("factor_number", FACTORS, {"group": "second_group", "quantity": "units", "number": 0}),
    "secondGroupShareOne": ("factor_number", FACTORS, {"group": "second_group", "quantity": "share", "number": 1}),
    "secondGroupShareTwo": ("factor_number", FACTORS, {"group": "second_group", "quantity": "share", "number": 2}),
    "secondGroupVarianceOne": (
        "factor_number",
        FACTORS,
        {"group": "second_group", "quantity": "variance", "number": 1},
    ),
    "secondGroupVarianceTwo": (
        "factor_number",
        FACTORS,
        {"group": "second_group", "quantity": "variance", "number": 2},
    ),
    "secondGroupVarianceThree": (
        "factor_number",
        FACTORS,
        {"group": "second_group", "quantity": "variance", "number": 3},
    ),
    "secondGroupVarianceFour": (
        "factor_number",
        FACTORS,
        {"group": "second_group", "quantity": "variance", "number": 4},
    ),
    "secondGroupVarianceFive": (
        "factor_number",
        FACTORS,
        {"group": "second_group", "quantity": "variance", "number": 5},
    ),
    "secondGroupError": ("factor_number", FACTORS, {"group": "second_group", "quantity": "error", "number": 0}),
    "secondGroupChannelsOne": (
        "factor_number",
        FACTORS,
        {"group": "second_group", "quantity": "channels", "number": 1},
    ),
    "secondGroupChannelsTwo": (
        "factor_number",
        FACTORS,
        {"group": "second_group", "quantity": "channels", "number": 2},
    ),
}

for item, (made_by, inputs, parameters) in names.applicable(WEIGHTS_ITEMS).items():

    rule:
        name:
            item
        input:
            **notebook(f"weights/{made_by}"),
            **inputs,
        output:
            names.outputs(item),
        log:
            names.executed(f"weights/{item}"),
        localrule: True
        resources:
            mem_mb=memory(f"weights/{made_by}"),
        params:
            job=job(**parameters),
            files=files,
        shell:
            RUN
