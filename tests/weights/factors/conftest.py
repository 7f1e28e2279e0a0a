"""Weights whose factors are known."""

import numpy as np
import pytest


def directions(rng, count, channels, *, active=0.3):
    """Draw sparse directions of length 1, not negative."""
    drawn = rng.exponential(size=(count, channels)) * (rng.random((count, channels)) < active)
    drawn[:, rng.permutation(channels)[:count]] += np.eye(count)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def planted_layer():
    """Give a function that draws a layer with planted groups among units that belong to none."""

    def draw(seed, *, sizes=(6,), others=30, channels=32, window=5, noise=0.3, shuffled=True):
        rng = np.random.default_rng(seed)
        shape = (window, window)
        units, truth = [], []
        for size in sizes:
            common = directions(rng, 2, channels)
            truth.append(range(len(units), len(units) + size))
            units += [np.einsum("khw,kc->hwc", rng.standard_normal((2, *shape)), common) for _ in range(size)]
        for index in range(others):
            # A third is explained by two factors as well, but each by its own; a third shares two directions with
            # nobody and holds more; a third is noise.
            if index % 3 == 2:
                units.append(rng.standard_normal((*shape, channels)) * 0.25)
            else:
                own = directions(rng, 2 + 3 * (index % 3), channels)
                units.append(np.einsum("khw,kc->hwc", rng.standard_normal((len(own), *shape)), own))
        layer = np.stack(units, axis=-1)
        layer = layer + noise * layer.std() * rng.standard_normal(layer.shape)
        order = rng.permutation(len(units)) if shuffled else np.arange(len(units))
        places = np.argsort(order)
        return layer[..., order].astype(np.float32), [frozenset(int(places[u]) for u in group) for group in truth]

    return draw
