"""Feature visualization with lucid: images that strongly activate a unit, or a direction among a layer's units.

- `keyed_requests`: what all requests have in common; `requests` and `caricature_requests`: the two kinds;
- `request_collection`: requests that an analysis collects for the job that renders them;
- `store`: pictures by key; `results`: feature visualizations in an npz file; `batches`: pictures batch by batch;
- `adapter`, `lucid_model`: lucid on current TensorFlow, and a frozen network as a model of lucid;
- `optimization`: a batch of pictures, optimized side by side; `objectives`: what they maximize;
- `rendering`: feature visualizations of units and directions; `inversion`: caricatures of an image.

"Picture" means either of the two, a feature visualization or a caricature. Requests, `store`, `results` and `batches`
do not start TensorFlow. All other modules import `adapter`, which lets lucid run on current TensorFlow and must come
before any ``import lucid``.

References
----------
Olah, Mordvintsev and Schubert 2017, "Feature Visualization", Distill; lucid 0.3.10 is their code.
"""
