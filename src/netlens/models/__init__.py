"""Subject networks: architectures, loading, folding, training, and what their layers are."""
