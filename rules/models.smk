# Networks: trained where the study says so, made ready for the analyses, evaluated.

from netlens.workflow.external_files import contents_of, snakemake_paths
from netlens.workflow.image_specs import names_of, scene_files, value_of
from netlens.workflow.network_specs import (
    check_files,
    image_file,
    images_of,
    network_files,
    network_spec,
    prepared_file,
    preprocessing_spec,
)

check_files(CONFIG)

MAIN_NETWORK = CONFIG["models"]["network"]


rule train:
    input:
        **notebook("models/train"),
        train=lambda wildcards: image_file(CONFIG, wildcards.network, "train"),
        heldout=lambda wildcards: image_file(CONFIG, wildcards.network, "heldout"),
    output:
        multiext(result("networks/{network}/checkpoint"), ".h5", ".json"),
    log:
        names.executed("models/train_{network}"),
    wildcard_constraints:
        network=names_of(CONFIG["networks"], "trained"),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("models/train"),
    params:
        job=job(
            gpu=True,
            architecture=value_of(CONFIG, "networks", "architecture"),
            preprocessing=lambda wildcards: preprocessing_spec(CONFIG, wildcards.network),
            epochs_count=value_of(CONFIG, "networks", "epochs_count"),
            batch_size_count=value_of(CONFIG, "networks", "batch_size_count"),
            learning_rate=value_of(CONFIG, "networks", "learning_rate"),
            composed_share=value_of(CONFIG, "networks", "composed_share"),
            training_seed=value_of(CONFIG, "networks", "seed"),
        ),
        files=files,
    shell:
        RUN


rule kernels:
    input:
        **notebook("models/kernels"),
        files=lambda wildcards: snakemake_paths(network_files(CONFIG, wildcards.network)),
    output:
        kernels=result("networks/{network}/kernels.npz"),
        model=result("networks/{network}/network.h5"),
        record=result("networks/{network}/network.json"),
    log:
        names.executed("models/kernels_{network}"),
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    priority: 1
    resources:
        mem_mb=memory("models/kernels"),
    params:
        job=job(spec=lambda wildcards: network_spec(CONFIG, wildcards.network)),
        files=files,
        content=lambda wildcards: contents_of(network_files(CONFIG, wildcards.network)),
    shell:
        RUN


rule frozen:
    input:
        **notebook("models/frozen"),
        files=lambda wildcards: snakemake_paths(network_files(CONFIG, wildcards.network)),
    output:
        frozen=result("networks/{network}/frozen.pb"),
        record=result("networks/{network}/frozen.json"),
    log:
        names.executed("models/frozen_{network}"),
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    priority: 1
    resources:
        mem_mb=memory("models/frozen"),
    params:
        job=job(spec=lambda wildcards: network_spec(CONFIG, wildcards.network)),
        files=files,
        content=lambda wildcards: contents_of(network_files(CONFIG, wildcards.network)),
    shell:
        RUN


rule evaluation:
    input:
        lambda wildcards: prepared_file(CONFIG, wildcards.network, ".json"),
        **notebook("models/evaluation"),
        model=lambda wildcards: prepared_file(CONFIG, wildcards.network),
        heldout=lambda wildcards: image_file(CONFIG, wildcards.network, "heldout"),
        scenes=lambda wildcards: scene_files(CONFIG, images_of(CONFIG, wildcards.network)),
    output:
        multiext(result("networks/{network}/evaluation"), ".npz", ".json"),
    log:
        names.executed("models/evaluation_{network}"),
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    priority: 1
    resources:
        gpu=GPU,
        mem_mb=memory("models/evaluation"),
    params:
        job=job(gpu=True),
        files=files,
    shell:
        RUN


# What the items read; what a frozen graph or a network without classes does not have is not asked for.
EVALUATED = {"evaluation": [result(f"networks/{MAIN_NETWORK}/evaluation.npz")], "kernels": [], "files": []}
KERNELS = {"evaluation": [], "kernels": [result(f"networks/{MAIN_NETWORK}/kernels.npz")], "files": []}
LOADED = {"evaluation": [], "kernels": [], "files": snakemake_paths(network_files(CONFIG, MAIN_NETWORK))}

# Item: the notebook that makes it, what that reads, its parameters.
MODELS_ITEMS = {
    "heldoutAccuracy": ("numbers", EVALUATED, {"quantity": "heldout_accuracy"}),
    "sceneRecall": ("numbers", EVALUATED, {"quantity": "scene_recall"}),
    "networkLayerCount": ("numbers", KERNELS, {"quantity": "kernel_layers"}),
    "networkWeightCount": ("numbers", KERNELS, {"quantity": "kernel_weights"}),
    "checkpointSize": ("numbers", LOADED, {"quantity": "checkpoint_size"}),
    "trainingTime": ("numbers", LOADED, {"quantity": "training_time"}),
}

for item, (made_by, inputs, parameters) in names.applicable(MODELS_ITEMS).items():

    rule:
        name:
            item
        input:
            **notebook(f"models/{made_by}"),
            **inputs,
        output:
            names.outputs(item),
        log:
            names.executed(f"models/{item}"),
        localrule: True
        resources:
            mem_mb=memory(f"models/{made_by}"),
        params:
            job=job(**parameters),
            files=files,
        shell:
            RUN
