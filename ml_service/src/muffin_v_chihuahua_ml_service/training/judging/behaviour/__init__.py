"""How a bundle behaves where a picture changes, and on which kinds of pictures it is weakest."""
