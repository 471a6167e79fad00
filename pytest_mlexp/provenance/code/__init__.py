"""Code as text: what definitions it reaches, and what of them can change a result."""
