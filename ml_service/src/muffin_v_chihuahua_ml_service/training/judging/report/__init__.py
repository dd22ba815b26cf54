"""Measures told to people: on the terminal, in figures, in the model card."""
