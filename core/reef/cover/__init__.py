"""Cover of photos from their points: counted, corrected, and with intervals."""
