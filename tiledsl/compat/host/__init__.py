"""What TileLang's host modules offer, with the meaning it has here."""
