"""How much memory jobs ask for: as was measured of their notebooks, more after each attempt and for large arrays."""

from pathlib import Path

import pytest

from netlens.workflow import job_memory
from netlens.workflow.job_memory import COMPUTING, DRAWING, Growth, memory_mb

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize("notebook", [*COMPUTING, *DRAWING])
def test_what_is_measured_is_a_notebook(notebook):
    assert (NOTEBOOKS / f"{notebook}.ipynb").is_file()


def test_a_notebook_without_tensorflow_asks_for_less():
    assert memory_mb("data/numbers", []) == 445
    assert memory_mb("pattern_attribution/pattern_net", []) == 658
    assert memory_mb("data/image_set", []) == 845


def test_each_attempt_asks_for_more():
    first, second, third = (memory_mb("pattern_attribution/pattern_sums", [], attempt) for attempt in (1, 2, 3))
    assert first == 1870
    assert (second, third) == (2 * first, 3 * first)


def test_networks_and_arrays_count_but_not_image_sets(monkeypatch, tmp_path):
    monkeypatch.setitem(job_memory.COMPUTING, "models/kernels", Growth(100, per_input_mb=2))
    images, network, code = tmp_path / "images/photos/train.npz", tmp_path / "network.h5", tmp_path / "module.py"
    for path in (images, network, code):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(4_000_000))
    alone = memory_mb("models/kernels", [])
    assert memory_mb("models/kernels", [str(images), str(code)]) == alone
    assert memory_mb("models/kernels", [str(images), str(network)]) == alone + 10
    with pytest.raises(FileNotFoundError):
        memory_mb("models/kernels", [str(tmp_path / "still to be made.h5")])
