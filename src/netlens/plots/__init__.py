"""Everything that is drawn, each module named after what it draws, in one style."""
