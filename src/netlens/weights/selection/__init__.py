"""What the figures show of a network's weights: which layers, units, connections and positions, and in what order."""
