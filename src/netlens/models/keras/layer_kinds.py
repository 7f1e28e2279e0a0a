"""What layers are to PatternNet and PatternAttribution, by class; TensorFlow is not needed to know it.

The analyzers (`netlens.pattern_attribution.analyzers`) refuse what is not listed, and the inspection of a network's
file says so before anything runs.
"""

from typing import Final

#: Layers whose kernel has a pattern. Exactly these classes: a subclass may compute something else.
KERNEL_LAYERS: Final[tuple[str, ...]] = ("Dense", "Conv2D", "DepthwiseConv2D")

#: Layers that the gradient passes unchanged, because they do nothing once a network is trained.
IDENTITY_LAYERS: Final[tuple[str, ...]] = (
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
)

#: Layers without weights that only move or select values: the plain gradient.
ROUTING_LAYERS: Final[tuple[str, ...]] = (
    "Concatenate",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Flatten",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "InputLayer",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Permute",
    "Reshape",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
)

#: Layers that the paper does not mention; the plain gradient is taken, with a warning, unless additions share.
UNSPOKEN_LAYERS: Final[tuple[str, ...]] = (
    "Add",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
)

#: Rectifiers with layers of their own; the plain gradient is their derivative.
RECTIFIER_LAYERS: Final[tuple[str, ...]] = ("Activation", "LeakyReLU", "PReLU", "ReLU")

#: Layers that a network no longer has once it is prepared: they are folded into kernels, or split in two.
PREPARED_LAYERS: Final[tuple[str, ...]] = (
    "BatchNormalization",
    "BatchNormalizationV1",
    "BatchNormalizationV2",
    "Convolution2D",
    "Normalization",
    "Rescaling",
    "SeparableConv2D",
    "SeparableConvolution2D",
    "SyncBatchNormalization",
)

#: Activations that are rectifiers, or none, as names in lower case; also of layers that are a layer's activation.
RECTIFIERS: Final = frozenset({"leaky_relu", "leakyrelu", "linear", "prelu", "relu", "relu6"})


def is_known(kind: str) -> bool:
    """Whether the methods define a rule for layers of a class, given by its name, in a network that is prepared."""
    return kind in {
        *IDENTITY_LAYERS,
        *KERNEL_LAYERS,
        *PREPARED_LAYERS,
        *RECTIFIER_LAYERS,
        *ROUTING_LAYERS,
        *UNSPOKEN_LAYERS,
    }
