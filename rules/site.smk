# The site: its index lists the pages; a section that makes a page adds it here.


rule index:
    input:
        **notebook("site/index"),
        pages=[
            f"site/{STUDY}/signal_distractor.html",
            f"site/{STUDY}/layer_graph.html",
            f"site/{STUDY}/node_graph.html",
            f"site/{STUDY}/aligned_graphs.html",
            f"site/{STUDY}/spatial_attribution.html",
        ],
    output:
        names.outputs("index"),
    log:
        names.executed("site/index"),
    benchmark:
        names.benchmark("index")
    params:
        job=job(images_are=CONFIG["images_are"]),
        files=files,
    shell:
        RUN
