"""`echotune doctor`: gathers facts from every server; each check judges them by itself."""
