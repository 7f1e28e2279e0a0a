# Networks as graphs: what they consist of and where it is drawn, the aligned pair, and the interactive pages.

COMPARED_GRAPHS = expand(NETWORK_GRAPH, network=dict.fromkeys(COMPARED))
COMPARED_CARICATURES = expand(CARICATURES, network=dict.fromkeys(COMPARED))


rule network_graph:
    input:
        f"results/{STUDY}/networks/{{network}}/frozen.json",
        notebook="notebooks/model_comparison/network_graph.ipynb",
        code=code_of("notebooks/model_comparison/network_graph.ipynb"),
        frozen=f"results/{STUDY}/networks/{{network}}/frozen.pb",
    output:
        graph=NETWORK_GRAPH,
        record=f"{COMPARISON}/graphs/{{network}}.json",
    log:
        f"results/{STUDY}/executed/model_comparison/network_graph_{{network}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/network_graph_{{network}}.tsv"
    wildcard_constraints:
        network=names_of(CONFIG["networks"]),
    params:
        job=job(
            layers=lambda wildcards: CONFIG["model_comparison"]["layers"].get(wildcards.network, []),
        ),
        files=files,
    shell:
        RUN


rule aligned_networks:
    input:
        notebook="notebooks/model_comparison/aligned_networks.ipynb",
        code=code_of("notebooks/model_comparison/aligned_networks.ipynb"),
        similarity=SIMILARITY,
        first=NETWORK_GRAPH.format(network=COMPARED[0]),
        second=NETWORK_GRAPH.format(network=COMPARED[1]),
    output:
        figure("model_comparison/aligned_networks"),
    log:
        f"results/{STUDY}/executed/model_comparison/aligned_networks.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/aligned_networks.tsv"
    params:
        job=job(),
        files=files,
    shell:
        RUN


rule layer_graph:
    input:
        notebook="notebooks/model_comparison/layer_graph.ipynb",
        code=code_of("notebooks/model_comparison/layer_graph.ipynb"),
        graph=NETWORK_GRAPH.format(network=COMPARED[0]),
        caricatures=CARICATURES.format(network=COMPARED[0]),
        body="notebooks/model_comparison/page/layer_graph.html",
    output:
        page("layer_graph"),
    log:
        f"results/{STUDY}/executed/model_comparison/layer_graph.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/layer_graph.tsv"
    params:
        job=job(
            images_are=CONFIG["images_are"],
        ),
        files=files,
    shell:
        RUN


# All compared networks, as far as the page stays small.
rule node_graph:
    input:
        notebook="notebooks/model_comparison/node_graph.ipynb",
        code=code_of("notebooks/model_comparison/node_graph.ipynb"),
        graphs=COMPARED_GRAPHS,
        caricatures=COMPARED_CARICATURES,
        body="notebooks/model_comparison/page/node_graph.html",
    output:
        page("node_graph"),
    log:
        f"results/{STUDY}/executed/model_comparison/node_graph.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/node_graph.tsv"
    params:
        job=job(
            images_are=CONFIG["images_are"],
        ),
        files=files,
    shell:
        RUN


rule aligned_graphs:
    input:
        notebook="notebooks/model_comparison/aligned_graphs.ipynb",
        code=code_of("notebooks/model_comparison/aligned_graphs.ipynb"),
        similarity=SIMILARITY,
        graphs=COMPARED_GRAPHS,
        caricatures=COMPARED_CARICATURES,
        body="notebooks/model_comparison/page/aligned_graphs.html",
    output:
        page("aligned_graphs"),
    log:
        f"results/{STUDY}/executed/model_comparison/aligned_graphs.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/aligned_graphs.tsv"
    params:
        job=job(
            images_are=CONFIG["images_are"],
        ),
        files=files,
    shell:
        RUN
