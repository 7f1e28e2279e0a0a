"""What stands for a character that cannot be shown."""


def spelled(character: str) -> str:
    """Return the number of a character, such as ``[U+5317]``, which tells it from others."""
    return f"[U+{ord(character):04X}]"
