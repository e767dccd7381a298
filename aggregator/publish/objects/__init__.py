"""The copy of the public folder in an object store (`publish.directory: s3://…`). The only room that knows obstore."""
