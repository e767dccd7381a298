"""Web pages of articles, made here, and a site on loopback that serves them."""
