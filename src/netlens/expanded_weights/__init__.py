"""Expanded weights: the linear map from a window of one layer to the central unit of a later one.

- `linear_graph`: what the operations between the two layers do, read from the frozen graph;
- `taps`: linear maps as taps on a grid, their products and sums;
- `window`: receptive field, and which window the weights are given on;
- `composition`: expanded weights as the product of the maps along all paths;
- `jacobian`: the same by gradients of the graph itself, as a check.

Source: Voss et al. 2021, "Visualizing Weights", Distill.
"""
