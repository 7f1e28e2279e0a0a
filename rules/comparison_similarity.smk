# Comparing models: similarities of all layers, computed once, as matrices and numbers.


# A network's own layers are whitened once, whatever it is compared with.
rule similarity:
    input:
        notebook="notebooks/model_comparison/similarity.ipynb",
        code=code_of("notebooks/model_comparison/similarity.ipynb"),
        products=expand(
            COMPARISON_PRODUCTS,
            zip,
            first=[first for first, _ in COMPARED_PAIRS],
            second=[second for _, second in COMPARED_PAIRS],
        ),
    output:
        SIMILARITY,
        f"{COMPARISON}/similarity.json",
    log:
        f"results/{STUDY}/executed/model_comparison/similarity.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/similarity.tsv"
    threads: 2
    params:
        job=job(
            first=[first for first, _ in COMPARED_PAIRS],
            second=[second for _, second in COMPARED_PAIRS],
            centred=CONFIG["model_comparison"]["centred"],
            ridge=CONFIG["model_comparison"]["ridge"],
            svcca_variance=CONFIG["model_comparison"]["svcca_variance"],
        ),
        files=files,
    shell:
        RUN


rule similarity_self:
    input:
        notebook="notebooks/model_comparison/similarity_matrices.ipynb",
        code=code_of("notebooks/model_comparison/similarity_matrices.ipynb"),
        similarity=SIMILARITY,
    output:
        figure("model_comparison/similarity_self"),
    log:
        f"results/{STUDY}/executed/model_comparison/similarity_self.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/similarity_self.tsv"
    params:
        job=job(which="self"),
        files=files,
    shell:
        RUN


rule similarity_pairs:
    input:
        notebook="notebooks/model_comparison/similarity_matrices.ipynb",
        code=code_of("notebooks/model_comparison/similarity_matrices.ipynb"),
        similarity=SIMILARITY,
    output:
        figure("model_comparison/similarity_pairs"),
    log:
        f"results/{STUDY}/executed/model_comparison/similarity_pairs.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/similarity_pairs.tsv"
    params:
        job=job(which="pairs"),
        files=files,
    shell:
        RUN


rule similarity_measures:
    input:
        notebook="notebooks/model_comparison/similarity_measures.ipynb",
        code=code_of("notebooks/model_comparison/similarity_measures.ipynb"),
        similarity=SIMILARITY,
    output:
        figure("model_comparison/similarity_measures"),
    log:
        f"results/{STUDY}/executed/model_comparison/similarity_measures.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/similarity_measures.tsv"
    params:
        job=job(first=COMPARED[0], second=COMPARED[1]),
        files=files,
    shell:
        RUN


rule comparedFirst:
    input:
        notebook="notebooks/model_comparison/numbers.ipynb",
        code=code_of("notebooks/model_comparison/numbers.ipynb"),
        similarity=SIMILARITY,
    output:
        macro("comparedFirst"),
    log:
        f"results/{STUDY}/executed/model_comparison/comparedFirst.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/comparedFirst.tsv"
    params:
        job=job(first=COMPARED[0], second=COMPARED[0], quantity="name"),
        files=files,
    shell:
        RUN


rule comparedSecond:
    input:
        notebook="notebooks/model_comparison/numbers.ipynb",
        code=code_of("notebooks/model_comparison/numbers.ipynb"),
        similarity=SIMILARITY,
    output:
        macro("comparedSecond"),
    log:
        f"results/{STUDY}/executed/model_comparison/comparedSecond.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/comparedSecond.tsv"
    params:
        job=job(first=COMPARED[1], second=COMPARED[1], quantity="name"),
        files=files,
    shell:
        RUN


rule comparedThird:
    input:
        notebook="notebooks/model_comparison/numbers.ipynb",
        code=code_of("notebooks/model_comparison/numbers.ipynb"),
        similarity=SIMILARITY,
    output:
        macro("comparedThird"),
    log:
        f"results/{STUDY}/executed/model_comparison/comparedThird.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/comparedThird.tsv"
    params:
        job=job(first=COMPARED[2], second=COMPARED[2], quantity="name"),
        files=files,
    shell:
        RUN


rule comparisonImages:
    input:
        notebook="notebooks/model_comparison/numbers.ipynb",
        code=code_of("notebooks/model_comparison/numbers.ipynb"),
        similarity=SIMILARITY,
    output:
        macro("comparisonImages"),
    log:
        f"results/{STUDY}/executed/model_comparison/comparisonImages.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/comparisonImages.tsv"
    params:
        job=job(first=COMPARED[0], second=COMPARED[1], quantity="images"),
        files=files,
    shell:
        RUN


rule smallestRankShare:
    input:
        notebook="notebooks/model_comparison/numbers.ipynb",
        code=code_of("notebooks/model_comparison/numbers.ipynb"),
        similarity=SIMILARITY,
    output:
        macro("smallestRankShare"),
    log:
        f"results/{STUDY}/executed/model_comparison/smallestRankShare.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/smallestRankShare.tsv"
    params:
        job=job(first=COMPARED[0], second=COMPARED[1], quantity="smallest_rank_share"),
        files=files,
    shell:
        RUN


rule meanSelfSimilarity:
    input:
        notebook="notebooks/model_comparison/numbers.ipynb",
        code=code_of("notebooks/model_comparison/numbers.ipynb"),
        similarity=SIMILARITY,
    output:
        macro("meanSelfSimilarity"),
    log:
        f"results/{STUDY}/executed/model_comparison/meanSelfSimilarity.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/meanSelfSimilarity.tsv"
    params:
        job=job(first=COMPARED[0], second=COMPARED[1], quantity="mean_self"),
        files=files,
    shell:
        RUN


rule meanPairSimilarity:
    input:
        notebook="notebooks/model_comparison/numbers.ipynb",
        code=code_of("notebooks/model_comparison/numbers.ipynb"),
        similarity=SIMILARITY,
    output:
        macro("meanPairSimilarity"),
    log:
        f"results/{STUDY}/executed/model_comparison/meanPairSimilarity.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/meanPairSimilarity.tsv"
    params:
        job=job(first=COMPARED[0], second=COMPARED[1], quantity="mean_pair"),
        files=files,
    shell:
        RUN


rule bestPairFirst:
    input:
        notebook="notebooks/model_comparison/numbers.ipynb",
        code=code_of("notebooks/model_comparison/numbers.ipynb"),
        similarity=SIMILARITY,
    output:
        macro("bestPairFirst"),
    log:
        f"results/{STUDY}/executed/model_comparison/bestPairFirst.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/bestPairFirst.tsv"
    params:
        job=job(first=COMPARED[0], second=COMPARED[1], quantity="best_first"),
        files=files,
    shell:
        RUN


rule bestPairSecond:
    input:
        notebook="notebooks/model_comparison/numbers.ipynb",
        code=code_of("notebooks/model_comparison/numbers.ipynb"),
        similarity=SIMILARITY,
    output:
        macro("bestPairSecond"),
    log:
        f"results/{STUDY}/executed/model_comparison/bestPairSecond.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/bestPairSecond.tsv"
    params:
        job=job(first=COMPARED[0], second=COMPARED[1], quantity="best_second"),
        files=files,
    shell:
        RUN


rule bestPairSimilarity:
    input:
        notebook="notebooks/model_comparison/numbers.ipynb",
        code=code_of("notebooks/model_comparison/numbers.ipynb"),
        similarity=SIMILARITY,
    output:
        macro("bestPairSimilarity"),
    log:
        f"results/{STUDY}/executed/model_comparison/bestPairSimilarity.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/bestPairSimilarity.tsv"
    params:
        job=job(first=COMPARED[0], second=COMPARED[1], quantity="best"),
        files=files,
    shell:
        RUN
