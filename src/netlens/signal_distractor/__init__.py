"""Signal and distractor in two dimensions (Kindermans et al. 2017, arXiv 1705.05598, section 2)."""
