# Comparing models: one sample of images and positions, the activations of each network there, sums of their products.

# One shard of a network's activations at training images, and at held-out ones; all of them, in order.
TRAIN_ACTIVATIONS = f"{COMPARISON}/activations/{{network}}/train_{{shard}}of{COMPARISON_SHARDS}.npz"
HELDOUT_ACTIVATIONS = f"{COMPARISON}/activations/{{network}}/heldout_{{shard}}of{COMPARISON_SHARDS}.npz"
EACH_SHARD = range(1, COMPARISON_SHARDS + 1)


rule comparison_sample:
    input:
        notebook="notebooks/model_comparison/sample.ipynb",
        code=code_of("notebooks/model_comparison/sample.ipynb"),
        train_images=f"results/{STUDY}/images/{COMPARED_IMAGES}/train.npz",
        heldout_images=f"results/{STUDY}/images/{COMPARED_IMAGES}/heldout.npz",
    output:
        COMPARISON_SAMPLE,
        f"{COMPARISON}/sample.json",
    log:
        f"results/{STUDY}/executed/model_comparison/sample.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/comparison_sample.tsv"
    params:
        job=job(
            images_count=CONFIG["model_comparison"]["images_count"],
            heldout_count=CONFIG["model_comparison"]["heldout_count"],
        ),
        files=files,
    shell:
        RUN


# Of one network alone, so a network that joins the study leaves those of the others as they are.
rule comparison_activations:
    input:
        f"results/{STUDY}/networks/{{network}}/frozen.json",
        notebook="notebooks/model_comparison/activations.ipynb",
        code=code_of("notebooks/model_comparison/activations.ipynb"),
        frozen=f"results/{STUDY}/networks/{{network}}/frozen.pb",
        sample=COMPARISON_SAMPLE,
        train_images=f"results/{STUDY}/images/{COMPARED_IMAGES}/train.npz",
        heldout_images=f"results/{STUDY}/images/{COMPARED_IMAGES}/heldout.npz",
    output:
        train=TRAIN_ACTIVATIONS,
        heldout=HELDOUT_ACTIVATIONS,
        record=f"{COMPARISON}/activations/{{network}}/{{shard}}of{COMPARISON_SHARDS}.json",
    log:
        f"results/{STUDY}/executed/model_comparison/activations_{{network}}_{{shard}}of{COMPARISON_SHARDS}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/comparison_activations_{{network}}_{{shard}}of{COMPARISON_SHARDS}.tsv"
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            layers=lambda wildcards: CONFIG["model_comparison"]["layers"].get(wildcards.network, []),
            shard=lambda wildcards: int(wildcards.shard),
            shards_count=COMPARISON_SHARDS,
        ),
        files=files,
    shell:
        RUN


rule comparison_products:
    input:
        notebook="notebooks/model_comparison/products.ipynb",
        code=code_of("notebooks/model_comparison/products.ipynb"),
        first=expand(TRAIN_ACTIVATIONS, network="{first}", shard=EACH_SHARD),
        second=expand(TRAIN_ACTIVATIONS, network="{second}", shard=EACH_SHARD),
    output:
        COMPARISON_PRODUCTS,
        f"{COMPARISON}/products/{{first}}--{{second}}.json",
    log:
        f"results/{STUDY}/executed/model_comparison/products_{{first}}--{{second}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/comparison_products_{{first}}--{{second}}.tsv"
    threads: 2
    params:
        job=job(),
        files=files,
    shell:
        RUN
