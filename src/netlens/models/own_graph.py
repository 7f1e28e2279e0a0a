"""A TensorFlow graph of its own for what builds and runs many small pieces, such as iNNvestigate's analyzers."""

from collections.abc import Iterator
from contextlib import contextmanager

from netlens.models.backend import tf1


@contextmanager
def graph_of_its_own() -> Iterator[None]:
    """Compute in a small graph of its own, without graph optimization.

    An analyzer copies layers and sets the weights of each copy in a separate run, and each run optimizes the whole
    graph again. In a graph with other analyzers that takes minutes; this way, seconds.
    """
    options = tf1.ConfigProto()
    options.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf1.Graph().as_default() as graph, tf1.Session(graph=graph, config=options).as_default():
        yield
