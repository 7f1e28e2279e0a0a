"""A frozen network as a model of lucid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import netlens.feature_visualization.adapter  # noqa: F401  (first: lucid runs only with it)

# isort: split
from lucid.modelzoo.vision_base import Layer, Model

from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.models.frozen.receptive_fields import part_for


class LucidModel(Model):  # type: ignore[misc]
    """A frozen network for everything in lucid that takes a model.

    Images are those of lucid, RGB from 0 to 1; the network's preprocessing is part of the imported graph. Layers have
    the network's own names, so ``T("mixed3a")`` is the layer's output whatever the operation is called; names of
    operations work as well.

    Parameters
    ----------
    network
        The network.
    graph_def
        Its graph, or the part of it that some layers need; None: all of it.
    """

    def __init__(self, network: FrozenNetwork, graph_def: Any = None) -> None:
        self.network = network
        self._graph_def = network.graph_def if graph_def is None else graph_def
        self.model_name = network.name
        self.model_path = f"{network.name}-{network.sha256}"  # lucid tells models apart by it
        self.image_shape = list(network.input_shape)
        # After reversing the channels, lucid maps black to the first value and white to the second.
        self.image_value_range = network.preprocessing.limits()
        self.is_BGR = network.preprocessing.channel_order == "bgr"
        self.input_name = network.input_node
        self.layers = tuple(
            Layer(self, layer.name, layer.channels, [layer.kind])
            for layer in network.layers
            if layer.node != network.input_node
        )
        self._nodes = {layer.name: layer.node for layer in network.layers}

    @property
    def graph_def(self) -> Any:
        """The network's graph, or the part of it that the model was made with."""
        return self._graph_def

    @property
    def labels(self) -> list[str]:
        """Class names, in the order of the logits."""
        return list(self.network.class_names)

    def behind(self, layers: Sequence[str]) -> LucidModel:
        """Return the model cut behind some layers: without what none of them needs.

        Raises
        ------
        NetworkError
            There is no such layer.
        """
        return LucidModel(self.network, part_for(self.network, layers))

    def import_graph(self, *args: Any, **kwargs: Any) -> Any:
        """Import the graph as `lucid.modelzoo.vision_base.Model.import_graph` does; returns tensors by layer."""
        tensor_of = super().import_graph(*args, **kwargs)
        return lambda name: tensor_of(self._nodes.get(name, name))


def lucid_model(network: FrozenNetwork) -> LucidModel:
    """Return a network as a model of lucid.

    Parameters
    ----------
    network
        The network.

    Returns
    -------
    lucid.modelzoo.vision_base.Model
        Takes RGB images from 0 to 1 of any size that the graph can take.

    Examples
    --------
    >>> model = lucid_model(freeze(load_network("network.h5")))
    >>> lucid.optvis.render.render_vis(model, "mixed3a:5")
    """
    return LucidModel(network)
