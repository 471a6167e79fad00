"""The laws of models, one file for each kind, and of blocks in the flow."""
