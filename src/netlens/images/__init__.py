"""Image sets: photographs, folders, composed scenes, and how they are read batch by batch."""
