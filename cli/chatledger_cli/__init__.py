"""The command ``chatledger``: exports, restores and keys, over the HTTP API alone."""
