"""What leaves this machine: a study with its results as one crate, and the sources of its paper."""
