"""Patterns of a network's kernels, and the two explanations that use them.

Importing this package starts TensorFlow and makes ``pattern.net`` and ``pattern.attribution`` known to
`innvestigate.create_analyzer`. Import it before innvestigate, which cannot start TensorFlow the right way by itself.
"""

import netlens.models.backend  # noqa: F401  (first: what follows imports innvestigate, and that TensorFlow)
from netlens.pattern_attribution.analyzers.pattern_analyzers import PatternAttribution, PatternNet, register

__all__ = ["PatternAttribution", "PatternNet"]

register()
