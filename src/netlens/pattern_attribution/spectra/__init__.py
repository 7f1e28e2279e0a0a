"""Spectra of a network's matrices: each layer's W, A and P, what stands between neighbours, and the whole chain.

- `matrices`: which matrix of a kernel is analysed;
- `decomposition`: singular values and vectors, ratios, rotations and inter-layer items, whole;
- `leading`: the two largest singular values of large matrices;
- `modulus`: singular ratios of layers and of the inter-layer items between them;
- `chain`: the singular values of a product of many matrices, with their accuracy.

Numpy and scipy only. Nothing here writes into an array that it is given.
"""
