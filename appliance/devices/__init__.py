"""USB devices that a box refused: taken from udev, written down, told on home."""
