"""From bytes that anybody sent to a picture that may be decoded: what it is, how large, and at what cost."""
