"""Through which layers iNNvestigate's methods of explanation go back, by class; TensorFlow is not needed to know it.

iNNvestigate 2.1.2 refuses a network as soon as one of its layers is not among those that it lists for a method. The
inspection of a network's file names that layer before anything runs.
"""

from typing import Final

from netlens.models.keras.saved_graph import SavedStep

#: Layers that layer-wise relevance propagation goes through, those among them that a prepared network no longer has.
#: Depthwise convolutions are not, and neither are separable ones, which are split into two.
LRP_LAYERS: Final = frozenset({
    "Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average", "AveragePooling2D", "BatchNormalization",
    "BatchNormalizationV1", "BatchNormalizationV2", "Concatenate", "Conv2D", "Conv2DTranspose", "Convolution2D",
    "Cropping2D", "Dense", "Dropout", "ELU", "Flatten",
    "GaussianDropout", "GaussianNoise", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "InputLayer", "LeakyReLU",
    "Masking", "MaxPooling2D", "Maximum", "Minimum", "Multiply", "Normalization", "PReLU", "Permute", "ReLU",
    "RepeatVector", "Rescaling", "Reshape", "SpatialDropout2D", "Subtract", "SyncBatchNormalization", "ThresholdedReLU",
    "UpSampling2D", "ZeroPadding2D",
})  # fmt: skip
#: Layers that the reverse engine fails at, whatever the method: Keras cannot trace the operations that it adds there.
NOT_REVERSED: Final = frozenset({"GroupNormalization"})
_OTHER_ACTIVATIONS: Final = frozenset({"ELU", "LeakyReLU", "PReLU", "Softmax", "ThresholdedReLU"})


def passes_relevance(step: SavedStep) -> bool:
    """Whether layer-wise relevance propagation goes through a layer."""
    if step.kind == "ReLU" and (step.options.get("negative_slope") or step.options.get("threshold")):
        return False
    return step.kind in LRP_LAYERS and (step.kind != "ReLU" or step.options.get("max_value") in (None, 6))


def passes_preset(step: SavedStep) -> bool:
    """Whether LRP's preset A goes through a layer: as other relevance does, but for no function except ReLU."""
    return passes_relevance(step) and is_rectified(step) and step.options.get("max_value") is None


def is_rectified(step: SavedStep) -> bool:
    """Whether a layer has no activation but ReLU, as guided backprop and deep Taylor need it."""
    return step.kind not in _OTHER_ACTIVATIONS and step.activation in ("linear", "relu")
