"""`segue bench data`: what recording and conversion cost on this machine."""
