"""Jobs of the field of favelas and other informal settlements."""
