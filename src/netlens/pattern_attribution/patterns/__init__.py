"""Patterns of a network's kernels: second moments over images, estimators and how good they are."""
