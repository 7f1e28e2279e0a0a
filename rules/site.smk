# The site: its index lists the pages; a section that makes a page adds it here.


rule index:
    input:
        notebook="notebooks/site/index.ipynb",
        code=code_of("notebooks/site/index.ipynb"),
        pages=[
            f"site/{STUDY}/signal_distractor.html",
            f"site/{STUDY}/layer_graph.html",
            f"site/{STUDY}/node_graph.html",
            f"site/{STUDY}/aligned_graphs.html",
            f"site/{STUDY}/spatial_attribution.html",
        ],
    output:
        page("index"),
    log:
        f"results/{STUDY}/executed/site/index.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/index.tsv"
    params:
        job=job(
            images_are=CONFIG["images_are"],
        ),
        files=files,
    shell:
        RUN
