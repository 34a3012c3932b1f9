"""How well a network classifies faces."""
