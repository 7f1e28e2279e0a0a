# Checks of explanations: everything that is computed of one network in one job, drawn in many items.

from netlens.workflow.image_specs import scene_files
from netlens.workflow.network_specs import explained_networks, image_file, images_of

EXPLAINED = explained_networks(CONFIG)
RANDOMIZED = CONFIG["explanation_checks"]["cascade_networks"] or EXPLAINED
CHECKS_OF = result("explanation_checks/{network}.npz")
# A network without patterns is checked with the methods that need none.
PATTERNS_OF = {
    network: (
        [result(f"patterns/{network}/{CONFIG['pattern_attribution']['figure_estimator']}.npz")]
        if names.has_patterns(network)
        else []
    )
    for network in EXPLAINED
}


rule explanation_checks:
    input:
        **notebook("explanation_checks/checks"),
        model=result("networks/{network}/network.h5"),
        network=result("networks/{network}/network.json"),
        kernels=result("networks/{network}/kernels.npz"),
        patterns=lambda wildcards: PATTERNS_OF[wildcards.network],
        heldout=lambda wildcards: image_file(CONFIG, wildcards.network, "heldout"),
        scenes=lambda wildcards: scene_files(CONFIG, images_of(CONFIG, wildcards.network)),
    output:
        checks=CHECKS_OF,
        record=result("explanation_checks/{network}.json"),
    log:
        names.executed("explanation_checks/checks_{network}"),
    wildcard_constraints:
        network="|".join(EXPLAINED),
    priority: 2
    resources:
        gpu=GPU,
        mem_mb=memory("explanation_checks/checks"),
    params:
        job=job(
            gpu=True,
            cascade_steps_count=lambda wildcards: (
                CONFIG["explanation_checks"]["cascade_steps_count"] if wildcards.network in RANDOMIZED else 0
            ),
            **settings(
                "explanation_checks",
                "methods",
                "images_count",
                "draws_count",
                "entries_count",
                "shares_count",
                "random_orders_count",
                "smooth_copies_count",
                "chains_count",
                "scene",
            ),
        ),
        files=files,
    shell:
        RUN


ALL_CHECKS = {"checks": expand(CHECKS_OF, network=EXPLAINED)}
FIRST_CHECKS = {"checks": [CHECKS_OF.format(network=network) for network in EXPLAINED[:1]]}
RANDOMIZED_CHECKS = {"checks": expand(CHECKS_OF, network=RANDOMIZED)}
RESAMPLED = settings("explanation_checks", "interval_level", "resamples_count")
OF_NONE = {"method": ""} | RESAMPLED

# Item: the notebook that makes it, what that reads, its parameters.
EXPLANATION_CHECKS_ITEMS = {
    "cosine_convergence": ("cosine_convergence", ALL_CHECKS, {}),
    "convergence_ratio": ("convergence_ratio", ALL_CHECKS, {}),
    "chain_convergence": ("chain_convergence", ALL_CHECKS, {}),
    "logit_maps": ("logit_maps", ALL_CHECKS, {}),
    "randomized_weights": ("randomized_weights", RANDOMIZED_CHECKS, {}),
    "two_classes_maps": ("two_classes_maps", FIRST_CHECKS, {}),
    "pixel_flipping": ("pixel_flipping", ALL_CHECKS, RESAMPLED),
    "explanationNetwork": ("numbers", FIRST_CHECKS, {"quantity": "network"} | OF_NONE),
    "explanationImages": ("numbers", FIRST_CHECKS, {"quantity": "images"} | OF_NONE),
    "explanationsRefused": ("numbers", FIRST_CHECKS, {"quantity": "refused"} | OF_NONE),
    "cscBaseline": ("numbers", FIRST_CHECKS, {"quantity": "baseline"} | OF_NONE),
    "cscGradient": ("numbers", FIRST_CHECKS, {"quantity": "convergence", "method": "gradient"} | RESAMPLED),
    "cscDeepTaylor": ("numbers", FIRST_CHECKS, {"quantity": "convergence", "method": "deep_taylor"} | RESAMPLED),
    "cscPatternNet": ("numbers", FIRST_CHECKS, {"quantity": "convergence", "method": "pattern_net"} | RESAMPLED),
    "cscPatternAttribution": (
        "numbers",
        FIRST_CHECKS,
        {"quantity": "convergence", "method": "pattern_attribution"} | RESAMPLED,
    ),
    "cscRatioCorrelation": ("numbers", ALL_CHECKS, {"quantity": "correlation"} | OF_NONE),
    "logitSsimGradient": ("numbers", FIRST_CHECKS, {"quantity": "logit_ssim", "method": "gradient"} | RESAMPLED),
    "logitSsimPatternAttribution": (
        "numbers",
        FIRST_CHECKS,
        {"quantity": "logit_ssim", "method": "pattern_attribution"} | RESAMPLED,
    ),
    "flippingBestName": ("numbers", FIRST_CHECKS, {"quantity": "flipping_best"} | OF_NONE),
    "flippingBestGain": ("numbers", FIRST_CHECKS, {"quantity": "flipping_best_gain"} | OF_NONE),
    "flippingNotBetter": ("numbers", FIRST_CHECKS, {"quantity": "not_better"} | OF_NONE),
}

for item, (made_by, inputs, parameters) in names.applicable(EXPLANATION_CHECKS_ITEMS).items():

    rule:
        name:
            item
        input:
            **notebook(f"explanation_checks/{made_by}"),
            **inputs,
        output:
            names.outputs(item),
        log:
            names.executed(f"explanation_checks/{item}"),
        localrule: True
        resources:
            mem_mb=memory(f"explanation_checks/{made_by}"),
        params:
            job=job(**parameters),
            files=files,
        shell:
            RUN
