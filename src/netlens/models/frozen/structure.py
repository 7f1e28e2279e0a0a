"""How the layers of a frozen network are connected, and which of them every path passes through."""

from typing import TYPE_CHECKING

from netlens.models.frozen.node_names import node_of

if TYPE_CHECKING:
    from netlens.models.frozen.frozen_network import FrozenLayer, FrozenNetwork


def trunk(network: "FrozenNetwork") -> list["FrozenLayer"]:
    """Layers that every path from the image to the logits passes through.

    Parameters
    ----------
    network
        A frozen network.

    Returns
    -------
    list of FrozenLayer
        In network order, including ``input`` and the logits.
    """
    sources = _sources(network)
    order = _between(network, sources)
    place = {name: index for index, name in enumerate(order)}
    # An edge bypasses everything that lies between its ends.
    users: dict[str, int] = {}
    for name in order:
        for source in sources[name]:
            if source in place:
                users[source] = max(users.get(source, 0), place[name])
    farthest = 0
    alone = set()
    for name in order:
        if farthest <= place[name]:
            alone.add(name)
        farthest = max(farthest, users.get(name, 0))
    return [layer for layer in network.layers if layer.node in alone]


def layer_edges(network: "FrozenNetwork") -> list[tuple[str, str]]:
    """Connections between layers; operations that are not layers are passed over.

    Parameters
    ----------
    network
        A frozen network.

    Returns
    -------
    list of (str, str)
        Names (source, user), each pair once: by user, then by source, both in network order. Layers that the logits
        do not need have no edges.
    """
    sources = _sources(network)
    layer_of = {layer.node: layer.name for layer in network.layers}
    place = {layer.name: index for index, layer in enumerate(network.layers)}
    # For each operation, the layers that its output comes from: itself if it is one, otherwise those of its sources.
    named: dict[str, set[str]] = {}
    edges: set[tuple[str, str]] = set()
    for node in _between(network, sources):
        before: set[str] = set().union(*(named.get(source, set()) for source in sources[node]))
        if node in layer_of:
            edges |= {(source, layer_of[node]) for source in before}
            named[node] = {layer_of[node]}
        else:
            named[node] = before
    return sorted(edges, key=lambda edge: (place[edge[1]], place[edge[0]]))


def _sources(network: "FrozenNetwork") -> dict[str, list[str]]:
    return {node.name: [node_of(source) for source in node.input] for node in network.graph_def.node}


def _between(network: "FrozenNetwork", sources: dict[str, list[str]]) -> list[str]:
    """Operations between the image and the logits, each after its sources."""
    order: list[str] = []
    depends: dict[str, bool] = {}
    pending = [(network.output_node, False)]
    while pending:
        name, sources_done = pending.pop()
        if sources_done:
            depends[name] = name == network.input_node or any(depends[source] for source in sources[name])
            if depends[name]:
                order.append(name)
        elif name not in depends:
            depends[name] = False
            pending.append((name, True))
            pending.extend((source, False) for source in sources[name])
    return order
