"""Several processes on one database: who leads, who asks sources, who serves."""
