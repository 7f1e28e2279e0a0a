"""A network's spectra are those of its layers and of what lies between them."""

import numpy as np
import pytest

from netlens.pattern_attribution.spectra.decomposition import inter_layer_item, rotation, svd
from netlens.pattern_attribution.spectra.matrices import SpectraError
from netlens.pattern_attribution.spectra.network_spectra import network_spectra

RNG = np.random.default_rng(3)


def test_a_network_s_spectra_are_those_of_its_layers_and_of_the_items_between_them():
    matrices = {"a": RNG.normal(size=(3, 5)), "b": RNG.normal(size=(5, 4)), "c": RNG.normal(size=(4, 4))}
    spectra, pictures = network_spectra(matrices, ["A", "B", "C"], picture_px=64)
    assert [(layer.name, layer.label) for layer in spectra] == [("a", "A"), ("b", "B"), ("c", "C")]
    assert [(layer.name, layer.label) for layer in pictures] == [("a", "A"), ("b", "B"), ("c", "C")]
    parts = [svd(matrix) for matrix in matrices.values()]
    for index, (layer, picture) in enumerate(zip(spectra, pictures, strict=True)):
        np.testing.assert_array_equal(layer.values, parts[index].s)
        np.testing.assert_array_equal(picture.s, parts[index].s)
        norms = np.linalg.norm(list(matrices.values())[index], axis=0)
        np.testing.assert_allclose(layer.column_norms, np.sort(norms)[::-1], rtol=1e-14)
        rank = len(layer.values)
        np.testing.assert_array_equal(picture.U[:, :rank], parts[index].U[:, :rank].astype(np.float32))
        assert not picture.Vh[rank:].any()
    for index in (0, 1):
        expected = np.linalg.svd(inter_layer_item(parts[index], parts[index + 1]), compute_uv=False)
        np.testing.assert_allclose(spectra[index].item_values, expected[: len(spectra[index].item_values)], rtol=1e-12)
    turned = rotation(parts[1], parts[2]).astype(np.float32)
    np.testing.assert_array_equal(pictures[1].rotation, turned)
    assert spectra[2].item_values is None
    assert pictures[2].rotation is None
    assert pictures[2].item is None


def test_pictures_have_at_most_as_many_rows_and_columns_as_asked():
    _, (picture, _) = network_spectra({"a": RNG.normal(size=(7, 9)), "b": RNG.normal(size=(9, 2))}, "ab", picture_px=4)
    assert picture.U.shape == picture.Vh.shape == picture.rotation.shape == picture.item.shape == (4, 4)
    assert picture.s.shape == (7,)


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(SpectraError, match="a layer with 3 outputs cannot stand before one with 4 inputs"):
        network_spectra({"a": np.ones((2, 3)), "b": np.ones((4, 2))}, "ab", picture_px=4)
