"""What all long work shares: the index of what runs, the lease of the clears, live progress."""
