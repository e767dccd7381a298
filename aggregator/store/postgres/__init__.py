"""The store on PostgreSQL. It needs the extra `postgres`; nothing of it is imported without."""
