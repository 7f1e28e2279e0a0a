"""Attribution of classes, and of positions of later layers, to the positions of a layer; and how well it does."""
