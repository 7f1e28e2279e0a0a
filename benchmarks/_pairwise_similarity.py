"""The obvious way to compare two layers: everything anew for each pair. The oracle of `netlens.model_comparison`."""

import numpy as np


def pairwise_similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Compute the whitened similarity of two layers of full rank from their activations.

    Parameters
    ----------
    first, second
        Activations at the same images, (n, channels).
    """
    a, b = first.astype(np.float64), second.astype(np.float64)
    count = len(a)
    root_a = np.linalg.cholesky(np.linalg.inv(a.T @ a / count))
    root_b = np.linalg.cholesky(np.linalg.inv(b.T @ b / count))
    covariance = a.T @ b / count
    s = np.linalg.svd(root_a.T @ covariance @ root_b)[1]
    return float(s.sum() / max(covariance.shape))
