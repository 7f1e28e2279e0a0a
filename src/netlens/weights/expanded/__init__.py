"""Expanded weights: the linear map from a window of one layer to the central unit of a later one.

- `graph_nodes`: inputs, attributes and constants of a frozen graph's operations;
- `linear_operations`: the linear map of each operation;
- `linear_graph`: those between the two layers, and which positions see which;
- `taps`: linear maps as taps on a grid, their products and sums;
- `window`: receptive field, and which window the weights are given on;
- `composition`: expanded weights as the product of the maps along all paths;
- `jacobian`: the same by gradients of the graph itself, as a check.

Source: Voss et al. 2021, "Visualizing Weights", Distill.
"""
