"""Makes models: from folders of pictures to a bundle. Needs the extra `tensorflow`."""
