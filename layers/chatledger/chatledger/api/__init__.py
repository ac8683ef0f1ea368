"""The HTTP face: routes, requests, answers, errors, and the document that describes them."""
