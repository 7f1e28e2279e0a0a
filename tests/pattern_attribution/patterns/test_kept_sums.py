"""Sums that are gone on with after an interruption: the bytes are those of sums that were not interrupted."""

import numpy as np
import pytest

from netlens.files.arrays import ArrayFileError
from netlens.pattern_attribution.patterns.accumulation import sums_by_shard
from netlens.pattern_attribution.patterns.kept_sums import kept_or_summed
from netlens.pattern_attribution.patterns.statistics import merge, save_sums

GROUPS = [1, 2, 3]


class Interrupted:
    """Images of which only some can be read before the process is killed."""

    def __init__(self, images, readable_count):
        self._images, self._readable_count = images, readable_count
        self.read = []

    def __len__(self):
        return len(self._images)

    def __getitem__(self, index):
        if index.stop > self._readable_count:
            raise KeyboardInterrupt
        self.read.append(index.start)
        return self._images[index]


def test_damaged_sums_are_told(tmp_path):
    (tmp_path / "1.npz").write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(ArrayFileError, match=r"1\.npz"):
        next(kept_or_summed(tmp_path, [1], lambda shards: iter(())))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "grouped"])
def test_interrupted_sums_are_the_same_bytes(make_network, images, tmp_path, name):
    model = make_network(name)
    many = np.concatenate([images] * 6)[:24]

    def total(images, folder, least_s=0.0):
        def sums_of(groups):
            return sums_by_shard(model, images, groups, len(GROUPS), batch_size=2, block_images=4, progress=False)

        return merge(kept_or_summed(folder, GROUPS, sums_of, least_s))

    save_sums(tmp_path / "whole.npz", total(many, tmp_path / "short", least_s=1000.0))
    assert not (tmp_path / "short").exists(), "what took less than that is not kept"
    with pytest.raises(KeyboardInterrupt):
        total(Interrupted(many, 18), tmp_path / "kept")
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["1.npz", "2.npz"]
    again = Interrupted(many, len(many))
    save_sums(tmp_path / "resumed.npz", total(again, tmp_path / "kept"))
    assert min(again.read) == 16, "the third group begins there"
    assert (tmp_path / "resumed.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()
