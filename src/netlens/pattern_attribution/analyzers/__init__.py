"""PatternNet and PatternAttribution for iNNvestigate 2.

Importing this package starts TensorFlow and registers ``pattern.net`` and ``pattern.attribution`` with
`innvestigate.create_analyzer`. Import it before innvestigate, which does not configure TensorFlow as needed by itself.
"""

import netlens.models.backend  # noqa: F401  (first: what follows imports innvestigate, and that TensorFlow)
from netlens.pattern_attribution.analyzers.pattern_analyzers import PatternAttribution, PatternNet, register

__all__ = ["PatternAttribution", "PatternNet"]

register()
