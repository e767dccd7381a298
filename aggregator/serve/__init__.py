"""HTTP: prepared bytes by path, web pages, the state of the service, the hub."""
