# Spatial attribution: the interactive page, which draws what spatial_maps has computed.


rule spatial_attribution:
    input:
        notebook="notebooks/spatial_attribution/spatial_attribution.ipynb",
        code=code_of("notebooks/spatial_attribution/spatial_attribution.ipynb"),
        maps=SPATIAL_MAPS,
        body="notebooks/spatial_attribution/page/body.html",
    output:
        page("spatial_attribution"),
    log:
        f"results/{STUDY}/executed/spatial_attribution/spatial_attribution.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatial_attribution.tsv"
    params:
        job=job(
            images_are=CONFIG["images_are"],
        ),
        files=files,
    shell:
        RUN
