# Caricatures of one image at every layer of the compared networks.

CARICATURE_IMAGE = f"{COMPARISON}/caricature_image.npz"


rule caricature_image:
    input:
        f"results/{STUDY}/networks/{COMPARED[0]}/frozen.json",
        notebook="notebooks/model_comparison/caricature_image.ipynb",
        code=code_of("notebooks/model_comparison/caricature_image.ipynb"),
        frozen=f"results/{STUDY}/networks/{COMPARED[0]}/frozen.pb",
        heldout=f"results/{STUDY}/images/{COMPARED_IMAGES}/heldout.npz",
    output:
        image=CARICATURE_IMAGE,
        record=f"{COMPARISON}/caricature_image.json",
    log:
        f"results/{STUDY}/executed/model_comparison/caricature_image.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/caricature_image.tsv"
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            caricature_class=CONFIG["model_comparison"]["caricature_class"],
            picture_px=CONFIG["model_comparison"]["picture_px"],
        ),
        files=files,
    shell:
        RUN


# Of every layer, twice; what the store has is not made again.
rule network_caricatures:
    input:
        f"results/{STUDY}/networks/{{network}}/frozen.json",
        notebook="notebooks/model_comparison/caricatures.ipynb",
        code=code_of("notebooks/model_comparison/caricatures.ipynb"),
        frozen=f"results/{STUDY}/networks/{{network}}/frozen.pb",
        image=CARICATURE_IMAGE,
    output:
        caricatures=CARICATURES,
        record=f"{COMPARISON}/caricatures/{{network}}.json",
    log:
        f"results/{STUDY}/executed/model_comparison/network_caricatures_{{network}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/network_caricatures_{{network}}.tsv"
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            layers=lambda wildcards: CONFIG["model_comparison"]["layers"].get(wildcards.network, []),
            steps_count=CONFIG["model_comparison"]["caricature_steps_count"],
            store=lambda wildcards: f"results/{STUDY}/pictures/{wildcards.network}",
        ),
        files=files,
    shell:
        RUN


rule caricatures:
    input:
        notebook="notebooks/model_comparison/caricature_layers.ipynb",
        code=code_of("notebooks/model_comparison/caricature_layers.ipynb"),
        caricatures=CARICATURES.format(network=COMPARED[0]),
    output:
        figure("model_comparison/caricatures"),
    log:
        f"results/{STUDY}/executed/model_comparison/caricatures.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/caricatures.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


# A network that is compared with itself is shown once.
rule caricatures_networks:
    input:
        notebook="notebooks/model_comparison/caricature_networks.ipynb",
        code=code_of("notebooks/model_comparison/caricature_networks.ipynb"),
        caricatures=expand(CARICATURES, network=dict.fromkeys(COMPARED)),
    output:
        figure("model_comparison/caricatures_networks"),
    log:
        f"results/{STUDY}/executed/model_comparison/caricatures_networks.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/caricatures_networks.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN
