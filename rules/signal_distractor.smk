# Section 1: signal and distractor in two dimensions.


rule scatter:
    input:
        notebook="notebooks/signal_distractor/scatter.ipynb",
        code=code_of("notebooks/signal_distractor/scatter.ipynb"),
    output:
        figure("signal_distractor/scatter"),
    log:
        f"results/{STUDY}/executed/signal_distractor/scatter.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/scatter.tsv"
    params:
        job=job(
            samples_count=CONFIG["signal_distractor"]["samples_count"],
            noise_seed=CONFIG["signal_distractor"]["noise_seed"],
            scatter_t_over_pi=CONFIG["signal_distractor"]["scatter_t_over_pi"],
        ),
        files=files,
    shell:
        RUN


rule angles:
    input:
        notebook="notebooks/signal_distractor/angles.ipynb",
        code=code_of("notebooks/signal_distractor/angles.ipynb"),
    output:
        figure("signal_distractor/angles"),
    log:
        f"results/{STUDY}/executed/signal_distractor/angles.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/angles.tsv"
    params:
        job=job(
            samples_count=CONFIG["signal_distractor"]["samples_count"],
            noise_seed=CONFIG["signal_distractor"]["noise_seed"],
            steps_per_half_circle_count=CONFIG["signal_distractor"]["steps_per_half_circle_count"],
            draws_count=CONFIG["signal_distractor"]["draws_count"],
        ),
        files=files,
    shell:
        RUN


rule signal_distractor:
    input:
        notebook="notebooks/signal_distractor/signal_distractor.ipynb",
        code=code_of("notebooks/signal_distractor/signal_distractor.ipynb"),
        body="notebooks/signal_distractor/page/body.html",
        look="notebooks/signal_distractor/page/style.css",
        script="notebooks/signal_distractor/page/script.js",
    output:
        page("signal_distractor"),
    log:
        f"results/{STUDY}/executed/signal_distractor/signal_distractor.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/signal_distractor.tsv"
    params:
        job=job(
            images_are=CONFIG["images_are"],
            samples_count=CONFIG["signal_distractor"]["samples_count"],
            noise_seed=CONFIG["signal_distractor"]["noise_seed"],
            t_over_pi=CONFIG["signal_distractor"]["t_over_pi"],
            steps_per_half_circle_count=CONFIG["signal_distractor"]["steps_per_half_circle_count"],
        ),
        files=files,
    shell:
        RUN


rule signalDistractorPatternAngle:
    input:
        notebook="notebooks/signal_distractor/numbers.ipynb",
        code=code_of("notebooks/signal_distractor/numbers.ipynb"),
    output:
        macro("signalDistractorPatternAngle"),
    log:
        f"results/{STUDY}/executed/signal_distractor/signalDistractorPatternAngle.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/signalDistractorPatternAngle.tsv"
    params:
        job=job(
            quantity="pattern_angle",
            samples_count=CONFIG["signal_distractor"]["samples_count"],
            noise_seed=CONFIG["signal_distractor"]["noise_seed"],
            t_over_pi=CONFIG["signal_distractor"]["t_over_pi"],
            draws_count=CONFIG["signal_distractor"]["draws_count"],
        ),
        files=files,
    shell:
        RUN


rule signalDistractorPatternSpread:
    input:
        notebook="notebooks/signal_distractor/numbers.ipynb",
        code=code_of("notebooks/signal_distractor/numbers.ipynb"),
    output:
        macro("signalDistractorPatternSpread"),
    log:
        f"results/{STUDY}/executed/signal_distractor/signalDistractorPatternSpread.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/signalDistractorPatternSpread.tsv"
    params:
        job=job(
            quantity="pattern_spread",
            samples_count=CONFIG["signal_distractor"]["samples_count"],
            noise_seed=CONFIG["signal_distractor"]["noise_seed"],
            t_over_pi=CONFIG["signal_distractor"]["t_over_pi"],
            draws_count=CONFIG["signal_distractor"]["draws_count"],
        ),
        files=files,
    shell:
        RUN


rule signalDistractorWeightAngle:
    input:
        notebook="notebooks/signal_distractor/numbers.ipynb",
        code=code_of("notebooks/signal_distractor/numbers.ipynb"),
    output:
        macro("signalDistractorWeightAngle"),
    log:
        f"results/{STUDY}/executed/signal_distractor/signalDistractorWeightAngle.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/signalDistractorWeightAngle.tsv"
    params:
        job=job(
            quantity="weight_angle",
            samples_count=CONFIG["signal_distractor"]["samples_count"],
            noise_seed=CONFIG["signal_distractor"]["noise_seed"],
            t_over_pi=CONFIG["signal_distractor"]["t_over_pi"],
            draws_count=CONFIG["signal_distractor"]["draws_count"],
        ),
        files=files,
    shell:
        RUN


rule signalDistractorDistractorAngle:
    input:
        notebook="notebooks/signal_distractor/numbers.ipynb",
        code=code_of("notebooks/signal_distractor/numbers.ipynb"),
    output:
        macro("signalDistractorDistractorAngle"),
    log:
        f"results/{STUDY}/executed/signal_distractor/signalDistractorDistractorAngle.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/signalDistractorDistractorAngle.tsv"
    params:
        job=job(
            quantity="distractor_angle",
            samples_count=CONFIG["signal_distractor"]["samples_count"],
            noise_seed=CONFIG["signal_distractor"]["noise_seed"],
            t_over_pi=CONFIG["signal_distractor"]["t_over_pi"],
            draws_count=CONFIG["signal_distractor"]["draws_count"],
        ),
        files=files,
    shell:
        RUN


rule signalDistractorSamples:
    input:
        notebook="notebooks/signal_distractor/numbers.ipynb",
        code=code_of("notebooks/signal_distractor/numbers.ipynb"),
    output:
        macro("signalDistractorSamples"),
    log:
        f"results/{STUDY}/executed/signal_distractor/signalDistractorSamples.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/signalDistractorSamples.tsv"
    params:
        job=job(
            quantity="samples",
            samples_count=CONFIG["signal_distractor"]["samples_count"],
            noise_seed=CONFIG["signal_distractor"]["noise_seed"],
            t_over_pi=CONFIG["signal_distractor"]["t_over_pi"],
            draws_count=CONFIG["signal_distractor"]["draws_count"],
        ),
        files=files,
    shell:
        RUN
