"""Images and the files that everything is kept in."""
