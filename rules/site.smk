# The site: its index lists the pages; a section that makes a page adds it here.

PAGES = ["signal_distractor", "layer_graph", "node_graph", "aligned_graphs", "spatial_attribution"]


rule index:
    input:
        **notebook("site/index"),
        pages=[f"site/{STUDY}/{page}.html" for page in PAGES if names.applies(page)],
    output:
        names.outputs("index"),
    log:
        names.executed("site/index"),
    params:
        job=job(images_are=CONFIG["images_are"]),
        files=files,
    shell:
        RUN
