"""What a row is: messages, trees, the published views, and conversions between them. No I/O."""
