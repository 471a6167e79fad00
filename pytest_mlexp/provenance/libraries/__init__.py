"""Installed libraries: their versions, and the settings of theirs that change numbers."""
