"""Patterns of a network's kernels, the two explanations that use them, and the spectra of both."""
