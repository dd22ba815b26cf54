"""The sections of the page about the model, from top to bottom."""
