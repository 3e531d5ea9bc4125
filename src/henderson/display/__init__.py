"""Records to text, HTML and LaTeX; nothing is computed here."""
