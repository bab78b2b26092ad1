"""The Reef tab: a survey of photos, annotated and learnt from."""
