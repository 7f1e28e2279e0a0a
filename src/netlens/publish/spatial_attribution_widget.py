"""The view of spatial attribution as a Jupyter widget: choose an image, layers, classes and a gradient, and point.

The view runs the same script as the page (`netlens.publish.spatial_view`). Whenever a choice changes, the maps of the
new choice are computed, and no others.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Self

import anywidget
import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray

from netlens.images.decoding import Framing, decode
from netlens.images.file_sources import UnreadableImageError
from netlens.models.frozen.frozen_network import INPUT, FrozenNetwork
from netlens.models.layer_names import short_labels
from netlens.publish import spatial_view
from netlens.spatial_attribution.attribution import SpatialAttribution, class_indices
from netlens.spatial_attribution.choices import GRADIENT_LABELS, AttributionError, Gradient
from netlens.spatial_attribution.layers import checked_layers
from netlens.spatial_attribution.packing import packed
from netlens.spatial_attribution.results import AttributionMaps
from netlens.spatial_attribution.scenes import largest_logits

#: Entry of the list of images while there is no image.
NO_IMAGE: Final = "upload an image"


class SpatialView(anywidget.AnyWidget):  # type: ignore[misc]
    """The view itself.

    Attributes
    ----------
    data
        What `netlens.publish.spatial_view.view_data` returns; empty while nothing is shown.
    message
        One line above the view, such as an error; empty for none.
    pointed
        The position that is kept: ``side`` (0 for the earlier layer, 1 for the later one), ``row``, ``column``; empty
        for none.
    """

    _esm = spatial_view.widget_module()
    _css = spatial_view.style()
    data = traitlets.Dict().tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)
    pointed = traitlets.Dict().tag(sync=True)


class SpatialExplorer:
    """The choices, and the view that follows them.

    Parameters
    ----------
    network
        A frozen network.
    images
        Images by name, uint8 (height, width, 3) of the network's input size.
    source, target
        Layers to start with, the earlier first; empty for two that every path passes through.
    classes
        Names of the two classes to start with; empty for those with the largest logits.
    gradient
        Gradient of max-pooling to start with.
    memory_mb
        Approximate memory for the tensors of one run, in megabytes.

    Attributes
    ----------
    panel
        The whole widget, to be displayed.
    view
        The view below the choices.
    image, upload, source, target, first, second, gradient
        The controls; setting a control's value makes the choice.

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
            raise AttributionError(f"classes must be two names or none, not {len(classes)}: {', '.join(classes)}")
        if gradient not in GRADIENT_LABELS:
            raise AttributionError(f"there is no gradient {gradient!r}; choose one of {', '.join(GRADIENT_LABELS)}")
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
        """Free the memory of the sessions."""
        while self._opened:
            self._opened.popitem()[1].close()

    def maps(self) -> AttributionMaps:
        """Compute the maps of the current choices: one image, one gradient, two layers, two classes.

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
        return AttributionMaps(
            network=network.name,
            class_names=network.class_names,
            gradients=(gradient,),
            images=pixels[None],
            image_names=(self.image.value,),
            image_classes=np.array([classes]),
            # Where an image's classes are is not known.
            masks=np.zeros((1, *pixels.shape[:2]), np.uint8),
            logits=attribution.logits(inputs),
            layers=tuple(layers),
            layer_labels=tuple(short_labels(layers)),
            layer_sizes=tuple((layer.height or 0, layer.width or 0) for layer in map(network.layer, layers)),
            pairs=((0, 1),),
            to_classes=tuple(attribution.to_classes(inputs, name, classes)[None] for name in layers),
            between=(between[None, None],),
            scales=(scales[None, None],),
        )

    def add_image(self, name: str, content: bytes) -> None:
        """Add the image in a file's content, cropped to the network's input size, and choose it.

        Raises
        ------
        netlens.images.file_sources.UnreadableImageError
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
        # While an image is added, `add_image` chooses its classes.
        if not self._held:
            with self._one_update():
                self._take_largest()

    def _uploaded(self, _: object) -> None:
        for file in self.upload.value:
            with self._reported():
                self.add_image(str(file["name"]), bytes(file["content"]))

    @contextmanager
    def _one_update(self) -> Iterator[None]:
        """Change several choices and compute the maps once."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        self._update()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Report an error in one line above the view, which is then empty."""
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
        with self._reported():
            self.view.data = spatial_view.view_data(self.maps())
            self.view.message = ""


def _chooser(label: str, options: Sequence[Any], value: Any = None) -> Any:
    chosen = {} if value is None else {"value": value}
    return ipywidgets.Dropdown(
        options=options, description=label, style={"description_width": "7em"}, layout={"max_width": "100%"}, **chosen
    )
