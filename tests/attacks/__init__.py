"""What one hostile feed, page, subscriber or stranger can try; `make attacks` runs the long forms as well."""
