# Networks: trained where the study says so, made ready for the analyses, evaluated.

from netlens.data.specs import names_of, scene_files, value_of
from netlens.models.specs import (
    check_files,
    image_file,
    images_of,
    network_files,
    network_spec,
    prepared_file,
    preprocessing_spec,
)

check_files(CONFIG)


rule train:
    input:
        notebook="notebooks/models/train.ipynb",
        code=code_of("notebooks/models/train.ipynb"),
        train=lambda wildcards: image_file(CONFIG, wildcards.network, "train"),
        heldout=lambda wildcards: image_file(CONFIG, wildcards.network, "heldout"),
    output:
        f"results/{STUDY}/networks/{{network}}/checkpoint.h5",
        f"results/{STUDY}/networks/{{network}}/checkpoint.json",
    log:
        f"results/{STUDY}/executed/models/train_{{network}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/train_{{network}}.tsv"
    wildcard_constraints:
        network=names_of(CONFIG["networks"], "trained"),
    threads: 2
    resources:
        gpu=1,
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
        notebook="notebooks/models/kernels.ipynb",
        code=code_of("notebooks/models/kernels.ipynb"),
        files=lambda wildcards: network_files(CONFIG, wildcards.network),
    output:
        kernels=f"results/{STUDY}/networks/{{network}}/kernels.npz",
        model=f"results/{STUDY}/networks/{{network}}/network.h5",
        record=f"results/{STUDY}/networks/{{network}}/network.json",
    log:
        f"results/{STUDY}/executed/models/kernels_{{network}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/kernels_{{network}}.tsv"
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    threads: 2
    params:
        job=job(
            spec=lambda wildcards: network_spec(CONFIG, wildcards.network),
        ),
        files=files,
    shell:
        RUN


rule frozen:
    input:
        notebook="notebooks/models/frozen.ipynb",
        code=code_of("notebooks/models/frozen.ipynb"),
        files=lambda wildcards: network_files(CONFIG, wildcards.network),
    output:
        frozen=f"results/{STUDY}/networks/{{network}}/frozen.pb",
        record=f"results/{STUDY}/networks/{{network}}/frozen.json",
    log:
        f"results/{STUDY}/executed/models/frozen_{{network}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/frozen_{{network}}.tsv"
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    threads: 2
    params:
        job=job(
            spec=lambda wildcards: network_spec(CONFIG, wildcards.network),
        ),
        files=files,
    shell:
        RUN


rule evaluation:
    input:
        lambda wildcards: prepared_file(CONFIG, wildcards.network, ".json"),
        notebook="notebooks/models/evaluation.ipynb",
        code=code_of("notebooks/models/evaluation.ipynb"),
        model=lambda wildcards: prepared_file(CONFIG, wildcards.network),
        heldout=lambda wildcards: image_file(CONFIG, wildcards.network, "heldout"),
        scenes=lambda wildcards: scene_files(CONFIG, images_of(CONFIG, wildcards.network)),
    output:
        f"results/{STUDY}/networks/{{network}}/evaluation.npz",
        f"results/{STUDY}/networks/{{network}}/evaluation.json",
    log:
        f"results/{STUDY}/executed/models/evaluation_{{network}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/evaluation_{{network}}.tsv"
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(gpu=True),
        files=files,
    shell:
        RUN


rule heldoutAccuracy:
    input:
        notebook="notebooks/models/numbers.ipynb",
        code=code_of("notebooks/models/numbers.ipynb"),
        evaluation=f"results/{STUDY}/networks/{CONFIG['models']['network']}/evaluation.npz",
        kernels=f"results/{STUDY}/networks/{CONFIG['models']['network']}/kernels.npz",
        files=network_files(CONFIG, CONFIG["models"]["network"]),
    output:
        macro("heldoutAccuracy"),
    log:
        f"results/{STUDY}/executed/models/heldoutAccuracy.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/heldoutAccuracy.tsv"
    params:
        job=job(quantity="heldout_accuracy"),
        files=files,
    shell:
        RUN


rule sceneRecall:
    input:
        notebook="notebooks/models/numbers.ipynb",
        code=code_of("notebooks/models/numbers.ipynb"),
        evaluation=f"results/{STUDY}/networks/{CONFIG['models']['network']}/evaluation.npz",
        kernels=f"results/{STUDY}/networks/{CONFIG['models']['network']}/kernels.npz",
        files=network_files(CONFIG, CONFIG["models"]["network"]),
    output:
        macro("sceneRecall"),
    log:
        f"results/{STUDY}/executed/models/sceneRecall.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/sceneRecall.tsv"
    params:
        job=job(quantity="scene_recall"),
        files=files,
    shell:
        RUN


rule networkLayerCount:
    input:
        notebook="notebooks/models/numbers.ipynb",
        code=code_of("notebooks/models/numbers.ipynb"),
        evaluation=f"results/{STUDY}/networks/{CONFIG['models']['network']}/evaluation.npz",
        kernels=f"results/{STUDY}/networks/{CONFIG['models']['network']}/kernels.npz",
        files=network_files(CONFIG, CONFIG["models"]["network"]),
    output:
        macro("networkLayerCount"),
    log:
        f"results/{STUDY}/executed/models/networkLayerCount.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/networkLayerCount.tsv"
    params:
        job=job(quantity="kernel_layers"),
        files=files,
    shell:
        RUN


rule networkWeightCount:
    input:
        notebook="notebooks/models/numbers.ipynb",
        code=code_of("notebooks/models/numbers.ipynb"),
        evaluation=f"results/{STUDY}/networks/{CONFIG['models']['network']}/evaluation.npz",
        kernels=f"results/{STUDY}/networks/{CONFIG['models']['network']}/kernels.npz",
        files=network_files(CONFIG, CONFIG["models"]["network"]),
    output:
        macro("networkWeightCount"),
    log:
        f"results/{STUDY}/executed/models/networkWeightCount.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/networkWeightCount.tsv"
    params:
        job=job(quantity="kernel_weights"),
        files=files,
    shell:
        RUN


rule checkpointSize:
    input:
        notebook="notebooks/models/numbers.ipynb",
        code=code_of("notebooks/models/numbers.ipynb"),
        evaluation=f"results/{STUDY}/networks/{CONFIG['models']['network']}/evaluation.npz",
        kernels=f"results/{STUDY}/networks/{CONFIG['models']['network']}/kernels.npz",
        files=network_files(CONFIG, CONFIG["models"]["network"]),
    output:
        macro("checkpointSize"),
    log:
        f"results/{STUDY}/executed/models/checkpointSize.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/checkpointSize.tsv"
    params:
        job=job(quantity="checkpoint_size"),
        files=files,
    shell:
        RUN


rule trainingTime:
    input:
        notebook="notebooks/models/numbers.ipynb",
        code=code_of("notebooks/models/numbers.ipynb"),
        evaluation=f"results/{STUDY}/networks/{CONFIG['models']['network']}/evaluation.npz",
        kernels=f"results/{STUDY}/networks/{CONFIG['models']['network']}/kernels.npz",
        files=network_files(CONFIG, CONFIG["models"]["network"]),
    output:
        macro("trainingTime"),
    log:
        f"results/{STUDY}/executed/models/trainingTime.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/trainingTime.tsv"
    params:
        job=job(quantity="training_time"),
        files=files,
    shell:
        RUN
