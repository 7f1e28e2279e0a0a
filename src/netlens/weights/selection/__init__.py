"""What is shown of a network's weights: which layers, units and connections, and how a vector of weights is drawn."""
