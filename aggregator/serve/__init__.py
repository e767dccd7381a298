"""The HTTP server: prepared documents, web pages, the state of the service, and the hub's endpoints."""
