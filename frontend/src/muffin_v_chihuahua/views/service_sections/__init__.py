"""The sections of the page about the service, from top to bottom."""
