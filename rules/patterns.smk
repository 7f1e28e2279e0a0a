# Patterns: sums over shards of the training images, estimates from their total, and how good those are.

from netlens.models.specs import image_file

PATTERN_SHARDS = CONFIG["pattern_attribution"]["shards_count"]
CHECKS = f"results/{STUDY}/patterns/{CONFIG['pattern_attribution']['network']}/checks.npz"


rule pattern_sums:
    input:
        f"results/{STUDY}/networks/{{network}}/network.json",
        notebook="notebooks/pattern_attribution/pattern_sums.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_sums.ipynb"),
        model=f"results/{STUDY}/networks/{{network}}/network.h5",
        train=lambda wildcards: image_file(CONFIG, wildcards.network, "train"),
    output:
        multiext(
            f"results/{STUDY}/patterns/{{network}}/sums/{{part}}of{{parts}}",
            ".npz",
            ".json",
        ),
    log:
        f"results/{STUDY}/executed/pattern_attribution/pattern_sums_{{network}}_{{part}}of{{parts}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/pattern_sums_{{network}}_{{part}}of{{parts}}.tsv"
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            part=lambda wildcards: int(wildcards.part),
            parts=lambda wildcards: int(wildcards.parts),
            batch_size_count=CONFIG["pattern_attribution"]["batch_size_count"],
        ),
        files=files,
    shell:
        RUN


rule patterns:
    input:
        notebook="notebooks/pattern_attribution/patterns.ipynb",
        code=code_of("notebooks/pattern_attribution/patterns.ipynb"),
        kernels=f"results/{STUDY}/networks/{{network}}/kernels.npz",
        sums=expand(
            f"results/{STUDY}/patterns/{{{{network}}}}/sums/{{part}}of{PATTERN_SHARDS}.npz",
            part=range(1, PATTERN_SHARDS + 1),
        ),
    output:
        linear=f"results/{STUDY}/patterns/{{network}}/linear.npz",
        relu=f"results/{STUDY}/patterns/{{network}}/relu.npz",
        relu_negative=f"results/{STUDY}/patterns/{{network}}/relu_negative.npz",
        counts=f"results/{STUDY}/patterns/{{network}}/counts.npz",
        record=f"results/{STUDY}/patterns/{{network}}/patterns.json",
    log:
        f"results/{STUDY}/executed/pattern_attribution/patterns_{{network}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/patterns_{{network}}.tsv"
    threads: 2
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule pattern_checks:
    input:
        notebook="notebooks/pattern_attribution/pattern_checks.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_checks.ipynb"),
        model=f"results/{STUDY}/networks/{{network}}/network.h5",
        network=f"results/{STUDY}/networks/{{network}}/network.json",
        heldout=lambda wildcards: image_file(CONFIG, wildcards.network, "heldout"),
        kernels=f"results/{STUDY}/networks/{{network}}/kernels.npz",
        linear=f"results/{STUDY}/patterns/{{network}}/linear.npz",
        relu=f"results/{STUDY}/patterns/{{network}}/relu.npz",
        relu_negative=f"results/{STUDY}/patterns/{{network}}/relu_negative.npz",
        counts=f"results/{STUDY}/patterns/{{network}}/counts.npz",
    output:
        multiext(f"results/{STUDY}/patterns/{{network}}/checks", ".npz", ".json"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/pattern_checks_{{network}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/pattern_checks_{{network}}.tsv"
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            positions_per_image_count=CONFIG["pattern_attribution"]["positions_per_image_count"],
        ),
        files=files,
    shell:
        RUN


rule pattern_quality:
    input:
        notebook="notebooks/pattern_attribution/pattern_quality.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_quality.ipynb"),
        checks=CHECKS,
    output:
        figure("pattern_attribution/pattern_quality"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/pattern_quality.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/pattern_quality.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule pattern_diagnostics:
    input:
        notebook="notebooks/pattern_attribution/pattern_diagnostics.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_diagnostics.ipynb"),
        checks=CHECKS,
    output:
        figure("pattern_attribution/pattern_diagnostics"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/pattern_diagnostics.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/pattern_diagnostics.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule patternImageCount:
    input:
        notebook="notebooks/pattern_attribution/pattern_number.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_number.ipynb"),
        checks=CHECKS,
    output:
        macro("patternImageCount"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/patternImageCount.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/patternImageCount.tsv"
    params:
        job=job(quantity="images", estimator=""),
        files=files,
    shell:
        RUN


rule unitCount:
    input:
        notebook="notebooks/pattern_attribution/pattern_number.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_number.ipynb"),
        checks=CHECKS,
    output:
        macro("unitCount"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/unitCount.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/unitCount.tsv"
    params:
        job=job(quantity="units", estimator=""),
        files=files,
    shell:
        RUN


rule deadUnitCount:
    input:
        notebook="notebooks/pattern_attribution/pattern_number.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_number.ipynb"),
        checks=CHECKS,
    output:
        macro("deadUnitCount"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/deadUnitCount.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/deadUnitCount.tsv"
    params:
        job=job(quantity="dead_units", estimator=""),
        files=files,
    shell:
        RUN


rule signalQualityRandom:
    input:
        notebook="notebooks/pattern_attribution/pattern_number.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_number.ipynb"),
        checks=CHECKS,
    output:
        macro("signalQualityRandom"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/signalQualityRandom.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/signalQualityRandom.tsv"
    params:
        job=job(quantity="quality", estimator="random"),
        files=files,
    shell:
        RUN


rule signalQualityWeight:
    input:
        notebook="notebooks/pattern_attribution/pattern_number.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_number.ipynb"),
        checks=CHECKS,
    output:
        macro("signalQualityWeight"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/signalQualityWeight.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/signalQualityWeight.tsv"
    params:
        job=job(quantity="quality", estimator="w"),
        files=files,
    shell:
        RUN


rule signalQualityLinear:
    input:
        notebook="notebooks/pattern_attribution/pattern_number.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_number.ipynb"),
        checks=CHECKS,
    output:
        macro("signalQualityLinear"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/signalQualityLinear.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/signalQualityLinear.tsv"
    params:
        job=job(quantity="quality", estimator="linear"),
        files=files,
    shell:
        RUN


rule signalQualityTwoComponent:
    input:
        notebook="notebooks/pattern_attribution/pattern_number.ipynb",
        code=code_of("notebooks/pattern_attribution/pattern_number.ipynb"),
        checks=CHECKS,
    output:
        macro("signalQualityTwoComponent"),
    log:
        f"results/{STUDY}/executed/pattern_attribution/signalQualityTwoComponent.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/signalQualityTwoComponent.tsv"
    params:
        job=job(quantity="quality", estimator="two_component"),
        files=files,
    shell:
        RUN
