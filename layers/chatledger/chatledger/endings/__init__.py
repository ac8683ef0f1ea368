"""Every job ends: what an execution left undone, and what nobody ever started."""
