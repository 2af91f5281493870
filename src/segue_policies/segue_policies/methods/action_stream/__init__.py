"""Action Stream: several actions as one sentence of a language model, token by token."""
