# Signal and distractor in two dimensions, and a taxonomy of what an attribution shows.

DRAWS = settings("signal_distractor", "samples_count", "noise_seed")
ESTIMATED = DRAWS | settings("signal_distractor", "t_over_pi", "draws_count")
PAGE_PARTS = {
    "body": "notebooks/signal_distractor/page/body.html",
    "look": "notebooks/signal_distractor/page/style.css",
    "script": "notebooks/signal_distractor/page/script.js",
}

# Item: the notebook that makes it, what that reads, its parameters.
SIGNAL_DISTRACTOR_ITEMS = {
    "scatter": ("scatter", {}, DRAWS | settings("signal_distractor", "scatter_t_over_pi")),
    "angles": ("angles", {}, DRAWS | settings("signal_distractor", "steps_per_half_circle_count", "draws_count")),
    "taxonomy": (
        "taxonomy",
        {"attributions": result(f"attributions/{CONFIG['pattern_attribution']['network']}.npz")},
        {},
    ),
    "signal_distractor": (
        "signal_distractor",
        PAGE_PARTS,
        {"images_are": CONFIG["images_are"]}
        | DRAWS
        | settings("signal_distractor", "t_over_pi", "steps_per_half_circle_count"),
    ),
    "signalDistractorPatternAngle": ("numbers", {}, {"quantity": "pattern_angle"} | ESTIMATED),
    "signalDistractorPatternSpread": ("numbers", {}, {"quantity": "pattern_spread"} | ESTIMATED),
    "signalDistractorWeightAngle": ("numbers", {}, {"quantity": "weight_angle"} | ESTIMATED),
    "signalDistractorDistractorAngle": ("numbers", {}, {"quantity": "distractor_angle"} | ESTIMATED),
    "signalDistractorSamples": ("numbers", {}, {"quantity": "samples"} | ESTIMATED),
}

for item, (made_by, inputs, parameters) in names.applicable(SIGNAL_DISTRACTOR_ITEMS).items():

    rule:
        name:
            item
        input:
            **notebook(f"signal_distractor/{made_by}"),
            **inputs,
        output:
            names.outputs(item),
        log:
            names.executed(f"signal_distractor/{item}"),
        localrule: True
        resources:
            mem_mb=memory(f"signal_distractor/{made_by}"),
        params:
            job=job(**parameters),
            files=files,
        shell:
            RUN
