"""Feature visualisation with lucid: pictures of what units, channels and directions of a network answer to.

Source: Olah, Mordvintsev & Schubert 2017, "Feature Visualization" (Distill); lucid 0.3.10 is their code.

`requests`, `caricature_requests` and `store` start no TensorFlow. Importing `adapter`, as all other modules do, lets
lucid run on today's TensorFlow; it comes before any ``import lucid``.
"""
