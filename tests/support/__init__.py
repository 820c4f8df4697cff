"""What tests of several rooms work with. Test modules import from here, not from each other."""
