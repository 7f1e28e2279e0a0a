"""Networks of inverted residuals: MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) and EfficientNet-Lite0.

EfficientNet-Lite0 is EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946) without squeeze-and-excitation and with ReLU6.
"""

from dataclasses import dataclass
from typing import Any, Final

from netlens.models.backend import keras


@dataclass(frozen=True)
class Stage:
    """Some blocks in a row that share their shape.

    Attributes
    ----------
    blocks
        How many; only the first has the stride.
    size
        Of the depthwise kernel.
    stride
        Of the first block.
    expansion
        Channels of the depthwise convolution over those of the block's input.
    channels
        Of the block's output.
    """

    blocks: int
    size: int
    stride: int
    expansion: int
    channels: int


#: MobileNetV2, Table 2.
MOBILENET_V2: Final = (
    Stage(1, 3, 1, 1, 16), Stage(2, 3, 2, 6, 24), Stage(3, 3, 2, 6, 32), Stage(4, 3, 2, 6, 64), Stage(3, 3, 1, 6, 96),
    Stage(3, 3, 2, 6, 160), Stage(1, 3, 1, 6, 320),
)  # fmt: skip
#: EfficientNet-B0, Table 1.
EFFICIENTNET_LITE0: Final = (
    Stage(1, 3, 1, 1, 16), Stage(2, 3, 2, 6, 24), Stage(2, 5, 2, 6, 40), Stage(3, 3, 2, 6, 80), Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192), Stage(1, 3, 1, 6, 320),
)  # fmt: skip
HEAD_CHANNELS: Final = 1280


def mobilenet_v2(input_shape: tuple[int, int, int]) -> Any:
    """Build MobileNetV2 without its classifier.

    Parameters
    ----------
    input_shape
        (height, width, 3).

    Returns
    -------
    keras.Model
        Gives 1,280 features, the means over positions of the last convolution. Windows of strided convolutions lie as
        PyTorch lays them, one pixel of padding on each side.
    """
    return _Network(epsilon=1e-5, padded_on_all_sides=True).build(input_shape, MOBILENET_V2, None, "mobilenet_v2")


def efficientnet_lite0(input_shape: tuple[int, int, int], classes: int) -> Any:
    """Build EfficientNet-Lite0.

    Parameters
    ----------
    input_shape
        (height, width, 3).
    classes
        Number of outputs.

    Returns
    -------
    keras.Model
        Gives logits. Windows of strided convolutions lie as TensorFlow's SAME lays them.
    """
    network = _Network(epsilon=1e-3, padded_on_all_sides=False)
    return network.build(input_shape, EFFICIENTNET_LITE0, classes, "efficientnet_lite0")


@dataclass(frozen=True)
class _Network:
    epsilon: float
    padded_on_all_sides: bool

    def build(
        self, input_shape: tuple[int, int, int], stages: tuple[Stage, ...], classes: int | None, name: str
    ) -> Any:
        layers = keras.layers
        image = keras.Input(input_shape, name="input")
        x = self._convolution(image, 32, 3, 2, "stem")
        number = 0
        for stage in stages:
            for place in range(stage.blocks):
                number += 1
                x = self._block(x, stage, stage.stride if place == 0 else 1, f"block{number}")
        x = self._convolution(x, HEAD_CHANNELS, 1, 1, "head")
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        if classes is not None:
            x = layers.Dense(classes, name="logits")(x)
        return keras.Model(image, x, name=name)

    def _block(self, x: Any, stage: Stage, stride: int, name: str) -> Any:
        layers = keras.layers
        source, channels = x, int(x.shape[-1])
        if stage.expansion != 1:
            x = self._convolution(x, channels * stage.expansion, 1, 1, f"{name}/expand")
        x = self._padded(x, stage.size, stride, f"{name}/depthwise")
        x = layers.DepthwiseConv2D(
            stage.size,
            strides=stride,
            padding=self._padding(stride),
            use_bias=False,
            name=f"{name}/depthwise/DepthwiseConv2D",
        )(x)
        x = self._normalized(x, f"{name}/depthwise", rectified=True)
        x = layers.Conv2D(stage.channels, 1, use_bias=False, name=f"{name}/project/Conv2D")(x)
        x = self._normalized(x, f"{name}/project", rectified=False)
        return layers.Add(name=f"{name}/add")([source, x]) if stride == 1 and channels == stage.channels else x

    def _convolution(self, x: Any, channels: int, size: int, stride: int, name: str) -> Any:
        x = self._padded(x, size, stride, name)
        layer = keras.layers.Conv2D(
            channels, size, strides=stride, padding=self._padding(stride), use_bias=False, name=f"{name}/Conv2D"
        )
        return self._normalized(layer(x), name, rectified=True)

    def _normalized(self, x: Any, name: str, *, rectified: bool) -> Any:
        x = keras.layers.BatchNormalization(epsilon=self.epsilon, name=f"{name}/BatchNorm")(x)
        return keras.layers.ReLU(6.0, name=f"{name}/Relu6")(x) if rectified else x

    def _padding(self, stride: int) -> str:
        # At stride 1 both ways of padding are the same.
        return "valid" if stride > 1 and self.padded_on_all_sides else "same"

    def _padded(self, x: Any, size: int, stride: int, name: str) -> Any:
        if stride == 1 or not self.padded_on_all_sides:
            return x
        return keras.layers.ZeroPadding2D(size // 2, name=f"{name}/Pad")(x)
