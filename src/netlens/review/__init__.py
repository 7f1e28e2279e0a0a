"""The review of a study: what was made against what was published, what is stale and why, and what the paper claims."""
