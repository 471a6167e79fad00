"""Taking a logged session or cell, running it again, and saying what is the same and why the rest is not."""
