"""Feature visualization with lucid: pictures of what units, channels and directions of a network answer to.

Source: Olah, Mordvintsev & Schubert 2017, "Feature Visualization" (Distill); lucid 0.3.10 is their code.

- `keyed_requests`: what all requests have in common; `requests` and `caricature_requests`: the two kinds;
- `store`: pictures by key; `batches`: pictures made batch by batch;
- `adapter`, `lucid_model`: lucid on today's TensorFlow, and a frozen network as lucid takes it;
- `optimization`: a batch of pictures, optimized side by side; `objectives`: what they maximize;
- `rendering`: pictures of units, channels and directions; `inversion`: caricatures of an image.

Requests, `store` and `batches` do not start TensorFlow. Importing `adapter`, as all other modules do, lets lucid run on
today's TensorFlow; it comes before any ``import lucid``.
"""
