"""Visualizing weights: expanded weights, non-negative factors, and the selection of what is shown."""
