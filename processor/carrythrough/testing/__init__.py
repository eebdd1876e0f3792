"""What the product offers to tests of others: simulator, offline fold, faults, contract suites."""
