"""What requests may say, checked at the boundary; and how answers look, for the document."""
