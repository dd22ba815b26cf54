"""What the project's claims of speed rest on: `make bench`."""
