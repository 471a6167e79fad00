"""The laws that every block must obey, and the drivers that check them; usable without pytest."""
