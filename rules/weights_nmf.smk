# Weights as factors: of one unit, of a row of units, and of groups of related units together.


rule weights_factors:
    input:
        notebook="notebooks/weights/factors.ipynb",
        code=code_of("notebooks/weights/factors.ipynb"),
        expanded=EXPANDED,
        analysis=WEIGHTS_ANALYSIS,
    output:
        factors=WEIGHTS_FACTORS,
        requests=WEIGHTS_FACTORS_REQUESTS,
        record=f"results/{STUDY}/weights/factors.json",
    log:
        f"results/{STUDY}/executed/weights/weights_factors.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/weights_factors.tsv"
    params:
        job=job(
            first_group=CONFIG["weights"]["first_group"],
            second_group=CONFIG["weights"]["second_group"],
            row_units=CONFIG["weights"]["row_units"],
            row_units_count=CONFIG["weights"]["row_units_count"],
            picture_px=CONFIG["weights"]["picture_px"],
            picture_steps_count=CONFIG["weights"]["picture_steps_count"],
            picture_position=CONFIG["weights"]["picture_position"],
        ),
        files=files,
    shell:
        RUN


rule nmf_rgb:
    input:
        notebook="notebooks/weights/nmf_rgb.ipynb",
        code=code_of("notebooks/weights/nmf_rgb.ipynb"),
        factors=WEIGHTS_FACTORS,
        pictures=WEIGHTS_PICTURES,
    output:
        figure("weights/nmf_rgb"),
    log:
        f"results/{STUDY}/executed/weights/nmf_rgb.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/nmf_rgb.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule nmf_factors:
    input:
        notebook="notebooks/weights/nmf_factors.ipynb",
        code=code_of("notebooks/weights/nmf_factors.ipynb"),
        factors=WEIGHTS_FACTORS,
        pictures=WEIGHTS_PICTURES,
    output:
        figure("weights/nmf_factors"),
    log:
        f"results/{STUDY}/executed/weights/nmf_factors.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/nmf_factors.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule nmf_row:
    input:
        notebook="notebooks/weights/nmf_row.ipynb",
        code=code_of("notebooks/weights/nmf_row.ipynb"),
        factors=WEIGHTS_FACTORS,
        pictures=WEIGHTS_PICTURES,
    output:
        figure("weights/nmf_row"),
    log:
        f"results/{STUDY}/executed/weights/nmf_row.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/nmf_row.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule joint_nmf_first:
    input:
        notebook="notebooks/weights/joint_nmf.ipynb",
        code=code_of("notebooks/weights/joint_nmf.ipynb"),
        factors=WEIGHTS_FACTORS,
        pictures=WEIGHTS_PICTURES,
    output:
        figure("weights/joint_nmf_first"),
    log:
        f"results/{STUDY}/executed/weights/joint_nmf_first.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/joint_nmf_first.tsv"
    params:
        job=job(group="first_group"),
        files=files,
    shell:
        RUN


rule joint_nmf_second:
    input:
        notebook="notebooks/weights/joint_nmf.ipynb",
        code=code_of("notebooks/weights/joint_nmf.ipynb"),
        factors=WEIGHTS_FACTORS,
        pictures=WEIGHTS_PICTURES,
    output:
        figure("weights/joint_nmf_second"),
    log:
        f"results/{STUDY}/executed/weights/joint_nmf_second.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/joint_nmf_second.tsv"
    params:
        job=job(group="second_group"),
        files=files,
    shell:
        RUN


rule firstGroupUnits:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupUnits"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupUnits.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupUnits.tsv"
    params:
        job=job(group="first_group", quantity="units", number=0),
        files=files,
    shell:
        RUN


rule firstGroupShareOne:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupShareOne"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupShareOne.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupShareOne.tsv"
    params:
        job=job(group="first_group", quantity="share", number=1),
        files=files,
    shell:
        RUN


rule firstGroupShareTwo:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupShareTwo"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupShareTwo.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupShareTwo.tsv"
    params:
        job=job(group="first_group", quantity="share", number=2),
        files=files,
    shell:
        RUN


rule firstGroupVarianceOne:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupVarianceOne"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupVarianceOne.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupVarianceOne.tsv"
    params:
        job=job(group="first_group", quantity="variance", number=1),
        files=files,
    shell:
        RUN


rule firstGroupVarianceTwo:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupVarianceTwo"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupVarianceTwo.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupVarianceTwo.tsv"
    params:
        job=job(group="first_group", quantity="variance", number=2),
        files=files,
    shell:
        RUN


rule firstGroupVarianceThree:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupVarianceThree"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupVarianceThree.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupVarianceThree.tsv"
    params:
        job=job(group="first_group", quantity="variance", number=3),
        files=files,
    shell:
        RUN


rule firstGroupVarianceFour:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupVarianceFour"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupVarianceFour.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupVarianceFour.tsv"
    params:
        job=job(group="first_group", quantity="variance", number=4),
        files=files,
    shell:
        RUN


rule firstGroupVarianceFive:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupVarianceFive"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupVarianceFive.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupVarianceFive.tsv"
    params:
        job=job(group="first_group", quantity="variance", number=5),
        files=files,
    shell:
        RUN


rule firstGroupError:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupError"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupError.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupError.tsv"
    params:
        job=job(group="first_group", quantity="error", number=0),
        files=files,
    shell:
        RUN


rule firstGroupChannelsOne:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupChannelsOne"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupChannelsOne.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupChannelsOne.tsv"
    params:
        job=job(group="first_group", quantity="channels", number=1),
        files=files,
    shell:
        RUN


rule firstGroupChannelsTwo:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("firstGroupChannelsTwo"),
    log:
        f"results/{STUDY}/executed/weights/firstGroupChannelsTwo.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/firstGroupChannelsTwo.tsv"
    params:
        job=job(group="first_group", quantity="channels", number=2),
        files=files,
    shell:
        RUN


rule secondGroupUnits:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupUnits"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupUnits.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupUnits.tsv"
    params:
        job=job(group="second_group", quantity="units", number=0),
        files=files,
    shell:
        RUN


rule secondGroupShareOne:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupShareOne"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupShareOne.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupShareOne.tsv"
    params:
        job=job(group="second_group", quantity="share", number=1),
        files=files,
    shell:
        RUN


rule secondGroupShareTwo:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupShareTwo"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupShareTwo.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupShareTwo.tsv"
    params:
        job=job(group="second_group", quantity="share", number=2),
        files=files,
    shell:
        RUN


rule secondGroupVarianceOne:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupVarianceOne"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupVarianceOne.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupVarianceOne.tsv"
    params:
        job=job(group="second_group", quantity="variance", number=1),
        files=files,
    shell:
        RUN


rule secondGroupVarianceTwo:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupVarianceTwo"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupVarianceTwo.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupVarianceTwo.tsv"
    params:
        job=job(group="second_group", quantity="variance", number=2),
        files=files,
    shell:
        RUN


rule secondGroupVarianceThree:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupVarianceThree"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupVarianceThree.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupVarianceThree.tsv"
    params:
        job=job(group="second_group", quantity="variance", number=3),
        files=files,
    shell:
        RUN


rule secondGroupVarianceFour:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupVarianceFour"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupVarianceFour.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupVarianceFour.tsv"
    params:
        job=job(group="second_group", quantity="variance", number=4),
        files=files,
    shell:
        RUN


rule secondGroupVarianceFive:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupVarianceFive"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupVarianceFive.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupVarianceFive.tsv"
    params:
        job=job(group="second_group", quantity="variance", number=5),
        files=files,
    shell:
        RUN


rule secondGroupError:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupError"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupError.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupError.tsv"
    params:
        job=job(group="second_group", quantity="error", number=0),
        files=files,
    shell:
        RUN


rule secondGroupChannelsOne:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupChannelsOne"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupChannelsOne.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupChannelsOne.tsv"
    params:
        job=job(group="second_group", quantity="channels", number=1),
        files=files,
    shell:
        RUN


rule secondGroupChannelsTwo:
    input:
        notebook="notebooks/weights/factor_number.ipynb",
        code=code_of("notebooks/weights/factor_number.ipynb"),
        factors=WEIGHTS_FACTORS,
    output:
        macro("secondGroupChannelsTwo"),
    log:
        f"results/{STUDY}/executed/weights/secondGroupChannelsTwo.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/secondGroupChannelsTwo.tsv"
    params:
        job=job(group="second_group", quantity="channels", number=2),
        files=files,
    shell:
        RUN
