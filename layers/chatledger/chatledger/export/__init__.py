"""The export: ``plan -> write part (many) -> finish``, each a plain function that can be repeated.

A small export runs them inside its request, a workflow may run the same ones one by one: all
they know of each other lies in the exports bucket.
"""
