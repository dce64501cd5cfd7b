"""Private servers for the tests: started once per run, on loopback ports of their own."""
