"""Which characters can be shown, in figures and in the paper, and what is shown for the others."""
