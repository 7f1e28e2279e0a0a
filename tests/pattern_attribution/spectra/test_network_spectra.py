"""A network's spectra are those of its layers, of its segments and of what lies between them."""

import numpy as np
import pytest

from netlens.pattern_attribution.spectra.chain import chain_spectrum
from netlens.pattern_attribution.spectra.decomposition import inter_layer_item, rotation, svd
from netlens.pattern_attribution.spectra.matrices import SpectraError
from netlens.pattern_attribution.spectra.network_spectra import network_spectra
from netlens.pattern_attribution.spectra.pictures import leading_directions, tile_starts

RNG = np.random.default_rng(3)


def of(layers, segments, **options):
    settings = {"pictures_count": 12, "picture_px": 64} | options
    return network_spectra(layers, [name.upper() for name in layers], segments, list(segments), **settings)


def test_a_chain_s_spectra_are_those_of_its_layers_and_of_the_items_between_them():
    matrices = {"a": RNG.normal(size=(3, 5)), "b": RNG.normal(size=(5, 4)), "c": RNG.normal(size=(4, 4))}
    spectra, pictures = of(matrices, matrices)
    assert [(layer.name, layer.label) for layer in spectra.layers] == [("a", "A"), ("b", "B"), ("c", "C")]
    assert [layer.name for layer in pictures.layers] == [segment.name for segment in spectra.segments] == list("abc")
    parts = [svd(matrix, thin=True) for matrix in matrices.values()]
    for index, (layer, picture) in enumerate(zip(spectra.layers, pictures.layers, strict=True)):
        np.testing.assert_array_equal(layer.values, parts[index].s)
        np.testing.assert_array_equal(spectra.segments[index].values, parts[index].s)
        np.testing.assert_array_equal(picture.s, parts[index].s)
        for norms, axis in ((layer.column_norms, 0), (layer.row_norms, 1)):
            expected = np.linalg.norm(list(matrices.values())[index], axis=axis)
            np.testing.assert_allclose(norms, np.sort(expected)[::-1], rtol=1e-14)
        U, Vh = leading_directions(parts[index].U, parts[index].Vh, 64)
        np.testing.assert_array_equal(picture.U, U.astype(np.float32))
        np.testing.assert_array_equal(picture.Vh, Vh.astype(np.float32))
    for index in (0, 1):
        item = inter_layer_item(parts[index], parts[index + 1])
        expected = np.linalg.svd(item, compute_uv=False)
        np.testing.assert_allclose(spectra.segments[index].item_values, expected, rtol=1e-12)
        pair, turned = pictures.pairs[index], rotation(parts[index], parts[index + 1])
        # So few directions have a tile each.
        np.testing.assert_array_equal(pair.rows, np.arange(turned.shape[0]))
        np.testing.assert_array_equal(pair.columns, np.arange(turned.shape[1]))
        channels = parts[index].Vh.shape[1]
        np.testing.assert_allclose(pair.rotation, np.abs(turned) * channels**0.5, rtol=1e-6)
        np.testing.assert_allclose(pair.scaled_rotation, np.abs(turned @ np.diag(parts[index + 1].s)), rtol=1e-6)
        np.testing.assert_allclose(pair.item, np.abs(item), rtol=1e-6)
    assert [pair.label for pair in pictures.pairs] == ["a, b", "b, c"]
    assert spectra.segments[2].item_values is None
    assert pictures.chain is None


def test_what_belongs_to_no_singular_value_is_left_out_of_pictures_but_counts_as_a_value_of_0():
    one = np.outer(RNG.normal(size=6), RNG.normal(size=5))
    matrices = {"a": one, "b": RNG.normal(size=(5, 4)), "c": RNG.normal(size=(4, 2))}
    spectra, pictures = of(matrices, matrices)
    assert (pictures.layers[0].U.shape, pictures.layers[0].Vh.shape) == ((6, 1), (1, 5))
    assert pictures.pairs[0].item.shape == (1, 4)
    assert len(spectra.layers[0].values) == 5
    assert len(spectra.segments[0].item_values) == 4
    assert not spectra.segments[0].item_values[1:].any()


def test_branches_have_layers_of_their_own_beside_the_segments():
    layers = {"a": RNG.normal(size=(3, 4)), "b1": RNG.normal(size=(4, 2)), "b2": RNG.normal(size=(4, 3))}
    segments = {"a": layers["a"], "b": np.hstack([layers["b1"], layers["b2"]]), "c": RNG.normal(size=(5, 2))}
    spectra, _ = of({**layers, "c": segments["c"]}, segments)
    assert [layer.name for layer in spectra.layers] == ["a", "b1", "b2", "c"]
    assert [segment.name for segment in spectra.segments] == ["a", "b", "c"]
    np.testing.assert_allclose(spectra.layers[2].values, svd(layers["b2"]).s, rtol=1e-12)
    np.testing.assert_allclose(spectra.segments[1].values, svd(segments["b"]).s, rtol=1e-12)


def test_a_network_that_is_no_chain_has_its_layers_spectra():
    spectra, pictures = of({"a": RNG.normal(size=(3, 4)), "b": RNG.normal(size=(7, 2))}, {})
    assert (len(spectra.layers), len(pictures.layers)) == (2, 2)
    assert (spectra.segments, pictures.pairs) == ((), ())


def test_pictures_are_as_many_and_as_large_as_asked_spread_over_the_network():
    matrices = {name: RNG.normal(size=(9, 9)) for name in "abcdefg"}
    spectra, pictures = of(matrices, matrices, pictures_count=3, picture_px=4)
    assert [layer.name for layer in pictures.layers] == ["a", "d", "g"]
    assert [pair.label for pair in pictures.pairs] == ["a, b", "c, d", "f, g"]
    assert len(spectra.layers) == len(spectra.segments) == 7
    assert {(layer.U.shape, layer.Vh.shape) for layer in pictures.layers} == {((4, 9), (9, 4))}
    shapes = {picture.shape for pair in pictures.pairs for picture in (pair.rotation, pair.scaled_rotation, pair.item)}
    assert shapes == {(len(tile_starts(9)),) * 2}
    assert pictures.layers[0].s.shape == (9,)


def test_the_chain_is_that_of_all_segments_but_the_first():
    matrices = {"a": RNG.normal(size=(3, 5)), "b": RNG.normal(size=(5, 4)), "c": RNG.normal(size=(4, 6))}
    product = matrices["b"] @ matrices["c"]
    chain = chain_spectrum([matrices["b"], matrices["c"]])
    _, pictures = of(matrices, matrices, chain=chain)
    made = pictures.chain
    np.testing.assert_allclose((made.U * 10.0 ** made.log10_values[:4]) @ made.Vh, product, atol=1e-5)


def test_segments_that_do_not_fit_are_refused():
    matrices = {"a": np.ones((2, 3)), "b": np.ones((4, 2))}
    with pytest.raises(SpectraError, match="a layer with 3 outputs cannot stand before one with 4 inputs"):
        of(matrices, matrices)
