"""The building blocks a team declares, and adapters to the libraries they come from."""
