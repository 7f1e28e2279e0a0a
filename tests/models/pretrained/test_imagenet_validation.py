from collections import Counter

from netlens.models.pretrained.imagenet_validation import validation_synsets


def test_every_validation_image_has_its_class():
    found = validation_synsets()
    assert len(found) == 50_000 and set(Counter(found.values()).values()) == {50}
    # The first two of the published ground truth: classes 490 and 361 of the development kit, a sea snake and an Alp.
    assert found["ILSVRC2012_val_00000001.JPEG"] == "n01751748"
    assert found["ILSVRC2012_val_00000002.JPEG"] == "n09193705"
