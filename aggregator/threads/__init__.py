"""Threads: which stories follow one event, and how they are linked. Pure: values in, decisions with their evidence out."""
