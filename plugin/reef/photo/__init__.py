"""The window in which a photo and its points are looked at: pixels, symbols and gestures; knows no survey."""
