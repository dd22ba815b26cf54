"""The pages, each a function that draws from top to bottom."""
