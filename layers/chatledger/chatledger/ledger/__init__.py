"""The ledger: what is stored, under which keys, and in which order it is written and read.

``docs/design.md`` has the words, the items and the protocol that these modules keep.
"""
