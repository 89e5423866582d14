// Not served, and so not embedded.
