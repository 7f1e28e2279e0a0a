"""Published ImageNet classifiers: their weights read as data, and the networks that the weights belong to."""
