"""What the modules of a session do to each other, and to what is loaded."""
