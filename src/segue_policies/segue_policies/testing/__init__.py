"""What the tests of several files share."""
