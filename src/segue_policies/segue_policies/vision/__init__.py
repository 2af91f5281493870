"""How pictures reach a network: as pixels, or as the feature map of a frozen pretrained trunk."""
