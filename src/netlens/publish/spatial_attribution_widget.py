"""The view of spatial attribution as a Jupyter widget: choose an image, layers, classes and gradient, and point.

The picture is the same script as that of the page (`netlens.publish.spatial_view`). What it shows is computed each
time a choice changes, and only for that choice.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Self

import anywidget
import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray

from netlens.images.folder import Framing, UnreadableImageError, decode
from netlens.models.frozen.frozen_network import INPUT, FrozenNetwork
from netlens.models.layer_names import short_labels
from netlens.publish import spatial_view
from netlens.spatial_attribution.attribution import SpatialAttribution, class_indices
from netlens.spatial_attribution.choices import GRADIENT_LABELS, AttributionError, Gradient
from netlens.spatial_attribution.layers import checked_layers
from netlens.spatial_attribution.packing import FULL, packed
from netlens.spatial_attribution.scenes import largest_logits

#: What the list of images says while there is none.
NO_IMAGE: Final = "upload an image"

_LABELS: Final[dict[str, str]] = {str(name): label for name, label in GRADIENT_LABELS.items()}


class SpatialView(anywidget.AnyWidget):  # type: ignore[misc]
    """The picture.

    Attributes
    ----------
    data
        What `netlens.publish.spatial_view.view_data` makes; empty: nothing is shown.
    message
        One line above the picture, such as what is wrong; empty: none.
    pointed
        The position that is kept: ``side`` (0: the earlier layer, 1: the later), ``row``, ``column``; empty: none.
    """

    _esm = spatial_view.widget_module()
    _css = spatial_view.style()
    data = traitlets.Dict().tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)
    pointed = traitlets.Dict().tag(sync=True)


class SpatialExplorer:
    """Choices and the picture that follows them.

    Parameters
    ----------
    network
        A frozen network.
    images
        uint8 (height, width, 3) of the network's size, by name.
    source, target
        Layers to begin with, the earlier first; empty: two that everything passes through.
    classes
        Names of the two classes to begin with; empty: those with the largest logits.
    gradient
        Of max-pooling, to begin with.
    memory_mb
        What the tensors of one run may take, roughly.

    Attributes
    ----------
    panel
        All of it, to be displayed.
    view
        The picture.
    image, upload, source, target, first, second, gradient
        The choices; setting a value is choosing it.

    Raises
    ------
    netlens.models.errors.NetworkError, netlens.spatial_attribution.choices.AttributionError
        There is no such layer, class or gradient.
    """

    def __init__(
        self,
        network: FrozenNetwork,
        images: Mapping[str, NDArray[np.uint8]],
        *,
        source: str = "",
        target: str = "",
        classes: Sequence[str] = (),
        gradient: Gradient = "true",
        memory_mb: float = 1024,
    ) -> None:
        if len(classes) not in (0, 2):
            raise AttributionError(f"classes are two names or none, not {len(classes)}: {', '.join(classes)}")
        if gradient not in GRADIENT_LABELS:
            raise AttributionError(f"there is no gradient {gradient!r}; there are {', '.join(GRADIENT_LABELS)}")
        self._network, self._images, self._memory_mb = network, dict(images), memory_mb
        self._opened: dict[Gradient, SpatialAttribution] = {}
        self._held = 0
        given = checked_layers(network, [name for name in (source, target) if name], 2)
        automatic = [name for name in checked_layers(network, [], 2) if name not in given]
        source = source or (automatic or given)[0]
        target = target or (automatic or given)[-1]
        layers = {
            f"{layer.name} ({layer.height} × {layer.width})": layer.name
            for layer in network.layers
            if layer.height and layer.width and layer.name != INPUT
        }
        names = [(name, index) for index, name in enumerate(network.class_names)]
        self.image = _chooser("Image", list(self._images) or [NO_IMAGE])
        self.upload = ipywidgets.FileUpload(
            accept="image/*", multiple=False, description="Upload an image", layout={"width": "auto"}
        )
        self.source = _chooser("Earlier layer", list(layers.items()), source)
        self.target = _chooser("Later layer", list(layers.items()), target)
        self.first = _chooser("Class A", names)
        self.second = _chooser("Class B", names)
        self.gradient = _chooser("Max-pooling", [(label, name) for name, label in GRADIENT_LABELS.items()], gradient)
        self.view = SpatialView()
        rows = ((self.image, self.upload), (self.source, self.target), (self.first, self.second), (self.gradient,))
        lines = [ipywidgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows]
        self.panel = ipywidgets.VBox([*lines, self.view])
        with self._one_update():
            self._take_largest()
            if classes:
                self.first.value, self.second.value = (int(index) for index in class_indices(network, classes))
        self.image.observe(self._image_changed, "value")
        self.upload.observe(self._uploaded, "value")
        for control in (self.source, self.target, self.first, self.second, self.gradient):
            control.observe(lambda _: self._update(), "value")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the sessions' memory back."""
        while self._opened:
            self._opened.popitem()[1].close()

    def maps(self) -> dict[str, NDArray[Any]]:
        """Compute what the choices ask for, as the arrays of `netlens.publish.spatial_view.view_data`.

        Raises
        ------
        netlens.models.errors.NetworkError, netlens.spatial_attribution.choices.AttributionError
            As `netlens.spatial_attribution.attribution.SpatialAttribution`.
        """
        network, gradient = self._network, self.gradient.value
        pixels = self._images[self.image.value]
        inputs = network.preprocess(pixels[None])
        layers = [self.source.value, self.target.value]
        classes = [self.first.value, self.second.value]
        attribution = self._attribution(gradient)
        between, scales = packed(attribution.between(inputs[0], *layers))
        sizes = [(network.layer(name).height, network.layer(name).width) for name in layers]
        maps = {
            f"classes.{index}": attribution.to_classes(inputs, name, classes)[None] for index, name in enumerate(layers)
        }
        return {
            "network": np.array(network.name),
            "class_names": np.array(network.class_names),
            "gradients": np.array([gradient]),
            "images": pixels[None],
            "image_names": np.array([self.image.value]),
            "image_classes": np.array([classes]),
            "logits": attribution.logits(inputs),
            "layers": np.array(layers),
            "layer_labels": np.array(short_labels(layers)),
            "layer_sizes": np.array(sizes),
            "pairs": np.array([[0, 1]]),
            "between.0": between[None, None],
            "scales.0": scales[None, None],
            **maps,
        }

    def add_image(self, name: str, content: bytes) -> None:
        """Take an image file's content, cut to the network's size, and choose it.

        Raises
        ------
        netlens.images.folder.UnreadableImageError
            It cannot be decoded.
        """
        height, width = self._network.input_shape[:2]
        try:
            self._images[name] = decode(content, Framing(height, width))
        except UnreadableImageError as error:
            raise UnreadableImageError(f"{name}: cannot be read as an image: {error}") from error
        with self._one_update():
            self.image.options = list(self._images)
            self.image.value = name
            self._take_largest()

    def _attribution(self, gradient: Gradient) -> SpatialAttribution:
        if gradient not in self._opened:
            self._opened[gradient] = SpatialAttribution(self._network, gradient=gradient, memory_mb=self._memory_mb)
        return self._opened[gradient]

    def _take_largest(self) -> None:
        """Choose the two classes with the largest logits of the image."""
        if self._images and len(self._network.class_names) > 1:
            inputs = self._network.preprocess(self._images[self.image.value][None])
            logits = self._attribution(self.gradient.value).logits(inputs)
            self.first.value, self.second.value = (int(index) for index in largest_logits(logits)[0])

    def _image_changed(self, _: object) -> None:
        # While images are added, the classes of the new one are chosen there.
        if not self._held:
            with self._one_update():
                self._take_largest()

    def _uploaded(self, _: object) -> None:
        for file in self.upload.value:
            with self._told():
                self.add_image(str(file["name"]), bytes(file["content"]))

    @contextmanager
    def _one_update(self) -> Iterator[None]:
        """Change several choices and compute once."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        self._update()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what is wrong in one line above the picture; nothing is shown then."""
        try:
            yield
        except (ValueError, OSError) as error:
            self.view.data = {}
            self.view.message = " ".join(str(error).split())

    def _update(self) -> None:
        if self._held:
            return
        if not self._images:
            self.view.message = f"There is no image yet: {NO_IMAGE}."
            return
        self.view.message = "Computing …"
        with self._told():
            self.view.data = spatial_view.view_data(self.maps(), _LABELS, full=FULL)
            self.view.message = ""


def _chooser(label: str, options: Sequence[Any], value: Any = None) -> Any:
    chosen = {} if value is None else {"value": value}
    return ipywidgets.Dropdown(
        options=options, description=label, style={"description_width": "7em"}, layout={"max_width": "100%"}, **chosen
    )
