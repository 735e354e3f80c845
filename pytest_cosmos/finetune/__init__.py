"""Cases of the training splits -> packed data sets and adapters."""
