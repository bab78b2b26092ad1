"""Jobs on surveys of reef photos."""
