"""Reads everything that others wrote, in processes that can be killed: documents, and web pages that may offer feeds.

job: messages to and from a worker. answer: the work itself. worker: the process. pool: runs the workers and turns deadlines,
crashes, and memory limits into faults of single documents.
"""
