"""Stories to feeds: which feeds a story is in, the documents in three formats, the files. Nothing is rendered in a request."""
