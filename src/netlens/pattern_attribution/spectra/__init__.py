"""Spectra of a network's matrices: each layer's W, A and P, the items between neighbors, and the whole chain.

- `matrices`: the matrices of a kernel that are analyzed;
- `decomposition`: singular values and vectors, ratios, rotations and inter-layer items, computed in full;
- `network_spectra`: all of these for a network;
- `leading`: the two largest singular values of large matrices;
- `modulus`: singular ratios of layers and of the inter-layer items between them;
- `chain`: the singular values of a product of many matrices, with their accuracy.

Numpy and scipy only. Nothing here changes an array that it is given.
"""
