"""What the team's code reads and asks of the file system while a result is made."""
