"""A speaker's consent: the request, the answer and its withdrawal."""
