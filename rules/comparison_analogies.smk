# A unit of the first network in the layers of all three: directions, how good they are, and pictures of them.

ANALOGY_PLACES = dict(zip(("first", "second", "third"), COMPARED))
# A network that has two places has its pictures at the first of them.
ANALOGY_PLACE = dict(zip(COMPARED[::-1], ("third", "second", "first")))
ANALOGY_REQUESTS = f"{COMPARISON}/analogies/{{place}}_requests.npz"
ANALOGY_PICTURES = f"{COMPARISON}/analogies/{{place}}_pictures.npz"


rule analogies:
    input:
        notebook="notebooks/model_comparison/analogies.ipynb",
        code=code_of("notebooks/model_comparison/analogies.ipynb"),
        own_first=COMPARISON_PRODUCTS.format(first=COMPARED[0], second=COMPARED[0]),
        cross_second=COMPARISON_PRODUCTS.format(first=COMPARED[0], second=COMPARED[1]),
        own_second=COMPARISON_PRODUCTS.format(first=COMPARED[1], second=COMPARED[1]),
        cross_third=COMPARISON_PRODUCTS.format(first=COMPARED[0], second=COMPARED[2]),
        own_third=COMPARISON_PRODUCTS.format(first=COMPARED[2], second=COMPARED[2]),
        heldout_first=expand(HELDOUT_ACTIVATIONS, network=COMPARED[0], shard=EACH_SHARD),
        heldout_second=expand(HELDOUT_ACTIVATIONS, network=COMPARED[1], shard=EACH_SHARD),
        heldout_third=expand(HELDOUT_ACTIVATIONS, network=COMPARED[2], shard=EACH_SHARD),
        frozen_first=f"results/{STUDY}/networks/{COMPARED[0]}/frozen.pb",
        frozen_second=f"results/{STUDY}/networks/{COMPARED[1]}/frozen.pb",
        frozen_third=f"results/{STUDY}/networks/{COMPARED[2]}/frozen.pb",
    output:
        analogies=ANALOGIES,
        requests_first=ANALOGY_REQUESTS.format(place="first"),
        requests_second=ANALOGY_REQUESTS.format(place="second"),
        requests_third=ANALOGY_REQUESTS.format(place="third"),
        record=f"{COMPARISON}/analogies.json",
    log:
        f"results/{STUDY}/executed/model_comparison/analogies.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogies.tsv"
    params:
        job=job(
            networks=COMPARED,
            unit_layer=CONFIG["model_comparison"]["unit_layer"],
            unit=CONFIG["model_comparison"]["unit"],
            centred=CONFIG["model_comparison"]["centred"],
            ridge=CONFIG["model_comparison"]["ridge"],
            picture_px=CONFIG["model_comparison"]["picture_px"],
            picture_steps_count=CONFIG["model_comparison"]["picture_steps_count"],
            cosine_power=CONFIG["model_comparison"]["analogy_cosine_power"],
        ),
        files=files,
    shell:
        RUN


# What the store has is not rendered again.
rule analogy_pictures:
    input:
        lambda wildcards: f"results/{STUDY}/networks/{ANALOGY_PLACES[wildcards.place]}/frozen.json",
        notebook="notebooks/weights/pictures.ipynb",
        code=code_of("notebooks/weights/pictures.ipynb"),
        frozen=lambda wildcards: f"results/{STUDY}/networks/{ANALOGY_PLACES[wildcards.place]}/frozen.pb",
        requests=[ANALOGY_REQUESTS],
    output:
        pictures=ANALOGY_PICTURES,
        record=f"{COMPARISON}/analogies/{{place}}_pictures.json",
    log:
        f"results/{STUDY}/executed/model_comparison/analogy_pictures_{{place}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogy_pictures_{{place}}.tsv"
    wildcard_constraints:
        place="|".join(ANALOGY_PLACES),
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            store=lambda wildcards: f"results/{STUDY}/pictures/{ANALOGY_PLACES[wildcards.place]}",
        ),
        files=files,
    shell:
        RUN


rule analogies_first:
    input:
        notebook="notebooks/model_comparison/analogies_sheet.ipynb",
        code=code_of("notebooks/model_comparison/analogies_sheet.ipynb"),
        analogies=ANALOGIES,
        pictures=ANALOGY_PICTURES.format(place=ANALOGY_PLACE[COMPARED[0]]),
        unit_pictures=ANALOGY_PICTURES.format(place="first"),
    output:
        figure("model_comparison/analogies_first"),
    log:
        f"results/{STUDY}/executed/model_comparison/analogies_first.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogies_first.tsv"
    params:
        job=job(network=COMPARED[0]),
        files=files,
    shell:
        RUN


rule analogies_second:
    input:
        notebook="notebooks/model_comparison/analogies_sheet.ipynb",
        code=code_of("notebooks/model_comparison/analogies_sheet.ipynb"),
        analogies=ANALOGIES,
        pictures=ANALOGY_PICTURES.format(place=ANALOGY_PLACE[COMPARED[1]]),
        unit_pictures=ANALOGY_PICTURES.format(place="first"),
    output:
        figure("model_comparison/analogies_second"),
    log:
        f"results/{STUDY}/executed/model_comparison/analogies_second.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogies_second.tsv"
    params:
        job=job(network=COMPARED[1]),
        files=files,
    shell:
        RUN


rule analogies_third:
    input:
        notebook="notebooks/model_comparison/analogies_sheet.ipynb",
        code=code_of("notebooks/model_comparison/analogies_sheet.ipynb"),
        analogies=ANALOGIES,
        pictures=ANALOGY_PICTURES.format(place=ANALOGY_PLACE[COMPARED[2]]),
        unit_pictures=ANALOGY_PICTURES.format(place="first"),
    output:
        figure("model_comparison/analogies_third"),
    log:
        f"results/{STUDY}/executed/model_comparison/analogies_third.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogies_third.tsv"
    params:
        job=job(network=COMPARED[2]),
        files=files,
    shell:
        RUN


rule analogy_quality:
    input:
        notebook="notebooks/model_comparison/analogy_quality.ipynb",
        code=code_of("notebooks/model_comparison/analogy_quality.ipynb"),
        analogies=ANALOGIES,
    output:
        figure("model_comparison/analogy_quality"),
    log:
        f"results/{STUDY}/executed/model_comparison/analogy_quality.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogy_quality.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule analogyUnit:
    input:
        notebook="notebooks/model_comparison/analogy_number.ipynb",
        code=code_of("notebooks/model_comparison/analogy_number.ipynb"),
        analogies=ANALOGIES,
    output:
        macro("analogyUnit"),
    log:
        f"results/{STUDY}/executed/model_comparison/analogyUnit.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogyUnit.tsv"
    params:
        job=job(quantity="unit"),
        files=files,
    shell:
        RUN


rule analogyBestLayer:
    input:
        notebook="notebooks/model_comparison/analogy_number.ipynb",
        code=code_of("notebooks/model_comparison/analogy_number.ipynb"),
        analogies=ANALOGIES,
    output:
        macro("analogyBestLayer"),
    log:
        f"results/{STUDY}/executed/model_comparison/analogyBestLayer.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogyBestLayer.tsv"
    params:
        job=job(quantity="best_layer"),
        files=files,
    shell:
        RUN


rule analogyBestRSquared:
    input:
        notebook="notebooks/model_comparison/analogy_number.ipynb",
        code=code_of("notebooks/model_comparison/analogy_number.ipynb"),
        analogies=ANALOGIES,
    output:
        macro("analogyBestRSquared"),
    log:
        f"results/{STUDY}/executed/model_comparison/analogyBestRSquared.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogyBestRSquared.tsv"
    params:
        job=job(quantity="best_r2"),
        files=files,
    shell:
        RUN


rule analogyCeilingRSquared:
    input:
        notebook="notebooks/model_comparison/analogy_number.ipynb",
        code=code_of("notebooks/model_comparison/analogy_number.ipynb"),
        analogies=ANALOGIES,
    output:
        macro("analogyCeilingRSquared"),
    log:
        f"results/{STUDY}/executed/model_comparison/analogyCeilingRSquared.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogyCeilingRSquared.tsv"
    params:
        job=job(quantity="ceiling_r2"),
        files=files,
    shell:
        RUN


rule analogyMeanRSquared:
    input:
        notebook="notebooks/model_comparison/analogy_number.ipynb",
        code=code_of("notebooks/model_comparison/analogy_number.ipynb"),
        analogies=ANALOGIES,
    output:
        macro("analogyMeanRSquared"),
    log:
        f"results/{STUDY}/executed/model_comparison/analogyMeanRSquared.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/analogyMeanRSquared.tsv"
    params:
        job=job(quantity="mean_r2"),
        files=files,
    shell:
        RUN
